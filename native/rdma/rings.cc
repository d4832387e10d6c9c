#include "rings.h"

#include "dv_receive.h"
#include "dv_transmit.h"
#include "ibv.h"

using namespace verbs;

/** Ethernet header and what may follow it: ConnectX-4 wants the first 18 bytes inside the WQE. */
constexpr uint32_t INLINE_HEADER = 18;

static bool powerOfTwo(uint32_t n) { return n != 0 && (n & (n - 1)) == 0; }

static DvCompletionRing ringOf(const mlx5dv_cq& cq) {
  return {static_cast<uint8_t*>(cq.buf), cq.cqe_cnt, cq.cqe_size, cq.dbrec, cq.cqn, static_cast<uint8_t*>(cq.cq_uar)};
}

/** Rings that are not what the code was written for. */
static Failure strange(const char* what) { return {"RDMA_MODE", "mlx5dv_init_obj", what}; }

static Failure describe(const Device& device, mlx5dv_obj& object, uint64_t kinds, const mlx5dv_cq& cq) {
  int number = device.verbs.mlx5dv_init_obj(&object, kinds);
  if (number) return failure("mlx5dv_init_obj", number);
  if (cq.cqe_size != CQE_SIZE || !powerOfTwo(cq.cqe_cnt)) return strange("its completion queues have another form");
  return {};
}

std::unique_ptr<SendQueue> makeSendQueue(const Device& device, const SendObjects& objects, bool inlineHeaders, bool direct, Failure& error) {
  uint32_t segmentation = device.segmentationMax(), lkey = device.mr->lkey;
  if (!direct) {
    return std::make_unique<IbvSendQueue>(IbvSendRing{objects.cq.get(), objects.qp.get(), objects.packets, objects.pieces, lkey, segmentation});
  }
  mlx5dv_cq cq{};
  mlx5dv_qp qp{};
  mlx5dv_obj object{};
  object.cq = {objects.cq.get(), &cq};
  object.qp = {objects.qp.get(), &qp};
  error = describe(device, object, MLX5DV_OBJ_CQ | MLX5DV_OBJ_QP, cq);
  if (!error && (qp.sq.stride != WQE_BLOCK || !powerOfTwo(qp.sq.wqe_cnt))) error = strange("its send queue has another form");
  if (error) return nullptr;
  DvSendRing ring{};
  ring.wqes = static_cast<uint8_t*>(qp.sq.buf);
  ring.count = qp.sq.wqe_cnt;
  ring.doorbell = qp.dbrec;
  ring.blueFlame = static_cast<uint8_t*>(qp.bf.reg);
  ring.blueFlameSize = qp.bf.size;
  ring.qpn = objects.qp->qp_num;
  ring.cq = ringOf(cq);
  ring.lkey = lkey;
  ring.inlineHeader = inlineHeaders ? INLINE_HEADER : 0;
  ring.tsoMax = segmentation;
  return std::make_unique<DvSendQueue>(ring);
}

std::unique_ptr<ReceiveQueue> makeReceiveQueue(const Device& device, const ReceiveObjects& objects, const ReceiveShape& shape,
                                               bool useChecksum, bool direct, Failure& error) {
  if (!direct) {
    return std::make_unique<IbvReceiveQueue>(IbvReceiveRing{objects.cq.get(), objects.wq.get(), shape.packets, shape.segments, device.mr->lkey});
  }
  mlx5dv_cq cq{};
  mlx5dv_rwq wq{};
  mlx5dv_obj object{};
  object.cq = {objects.cq.get(), &cq};
  object.rwq = {objects.wq.get(), &wq};
  error = describe(device, object, MLX5DV_OBJ_CQ | MLX5DV_OBJ_RWQ, cq);
  if (!error && !powerOfTwo(wq.wqe_cnt)) error = strange("its receive queue has another form");
  if (error) return nullptr;
  DvReceiveRing ring{};
  ring.wqes = static_cast<uint8_t*>(wq.buf);
  ring.count = wq.wqe_cnt;
  ring.stride = wq.stride;
  ring.doorbell = wq.dbrec;
  ring.cq = ringOf(cq);
  ring.lkey = device.mr->lkey;
  ring.striding = shape.logStrides > 0;
  ring.segments = ring.striding ? 1u << shape.logStrides : shape.segments;
  ring.useChecksum = useChecksum;
  return std::make_unique<DvReceiveQueue>(ring);
}
