// Receive work queues and the indirection tables that RSS spreads over them.

#include <cerrno>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

#include "commands.h"
#include "numbers.h"
#include "options.h"

namespace emulator {

enum : uint32_t { WQ_CVLAN_STRIPPING = 1, WQ_SCATTER_FCS = 2, WQ_DELAY_DROP = 4, WQ_END_PADDING = 8 }; // ib_uverbs_wq_flags
enum : uint32_t { WQ_RESET = 0, WQ_READY = 1, WQ_ERROR = 2 }; // ib_verbs.h, enum ib_wq_state
constexpr uint32_t MAX_TABLE_LOG = 11;

static int setStriding(const Device& device, const mlx5_ib_create_wq& driver, ReceiveQueue& queue) {
  if (driver.comp_mask & ~MLX5_IB_CREATE_WQ_STRIDING_RQ) return EOPNOTSUPP;
  if (!(driver.comp_mask & MLX5_IB_CREATE_WQ_STRIDING_RQ)) return 0;
  if (!device.striding) return EOPNOTSUPP;
  if (driver.single_stride_log_num_of_bytes < 6 || driver.single_stride_log_num_of_bytes > 13) return EINVAL;
  if (driver.single_wqe_log_num_of_strides < leastLogStrides(device) || driver.single_wqe_log_num_of_strides > 16) return EINVAL;
  queue.striding = true;
  queue.logStrideBytes = driver.single_stride_log_num_of_bytes;
  queue.logStridesPerWqe = driver.single_wqe_log_num_of_strides;
  queue.twoByteShift = driver.two_byte_shift_en;
  return 0;
}

static int setRing(const mlx5_ib_create_wq& driver, ReceiveQueue& queue) {
  if (driver.flags & ~MLX5_WQ_FLAG_SIGNATURE) return EOPNOTSUPP;
  if (!isPowerOfTwo(driver.rq_wqe_count) || driver.rq_wqe_count > MAX_WR || driver.rq_wqe_shift < 4 || driver.rq_wqe_shift > 9) return EINVAL;
  if (!isMapped(driver.buf_addr, uint64_t(driver.rq_wqe_count) << driver.rq_wqe_shift, true) || !isMapped(driver.db_addr, 8, true)) return EFAULT;
  queue.buffer = reinterpret_cast<uint8_t*>(driver.buf_addr);
  queue.doorbell = reinterpret_cast<uint32_t*>(driver.db_addr);
  queue.count = driver.rq_wqe_count;
  queue.logStride = driver.rq_wqe_shift;
  queue.userIndex = driver.user_index;
  queue.signatureSegment = driver.flags & MLX5_WQ_FLAG_SIGNATURE;
  return 0;
}

int createWq(Context& context, const Command& command) {
  auto request = command.read<ib_uverbs_ex_create_wq>();
  auto driver = command.readDriver<mlx5_ib_create_wq>();
  if (request.comp_mask || request.wq_type != 0) return EOPNOTSUPP; // IB_WQT_RQ
  auto domain = context.find(context.domains, request.pd_handle);
  auto cq = context.find(context.completions, request.cq_handle);
  if (!domain || !cq) return EINVAL;
  if (request.create_flags & ~(WQ_CVLAN_STRIPPING | WQ_SCATTER_FCS)) return EOPNOTSUPP;
  auto queue = std::make_shared<ReceiveQueue>();
  if (int error = setRing(driver, *queue)) return error;
  if (int error = setStriding(context.device, driver, *queue)) return error;
  queue->number = newQueueNumber();
  queue->pdn = domain->pdn;
  queue->userHandle = request.user_handle;
  queue->cq = cq;
  queue->stripVlan = request.create_flags & WQ_CVLAN_STRIPPING;
  queue->scatterFcs = request.create_flags & WQ_SCATTER_FCS;
  domain->uses++;
  cq->uses++;
  context.device.receives[queue->number] = queue;
  ib_uverbs_ex_create_wq_resp answer{0, sizeof answer, context.add(context.workQueues, queue), request.max_wr, request.max_sge, queue->number};
  command.answer(answer);
  command.answerDriver(mlx5_ib_create_wq_resp{sizeof(mlx5_ib_create_wq_resp), 0});
  return 0;
}

static uint32_t wqState(const ReceiveQueue& queue) {
  return queue.state == QueueState::ready ? WQ_READY : queue.state == QueueState::error ? WQ_ERROR : WQ_RESET;
}

static void moveTo(Device& device, ReceiveQueue& queue, uint32_t state) {
  if (state == WQ_READY) {
    queue.state = QueueState::ready;
  } else if (state == WQ_RESET) {
    queue.state = QueueState::reset;
    rewind(queue);
  } else if (queue.state != QueueState::error) {
    queue.state = QueueState::error;
    flush(device, queue);
  }
}

int modifyWq(Context& context, const Command& command) {
  enum : uint32_t { STATE = 1, CURRENT_STATE = 2, FLAGS = 4 }; // enum ib_wq_attr_mask
  auto request = command.read<ib_uverbs_ex_modify_wq>();
  auto queue = context.find(context.workQueues, request.wq_handle);
  if (!queue || request.attr_mask == 0 || request.attr_mask & ~(STATE | CURRENT_STATE | FLAGS)) return EINVAL;
  uint32_t current = wqState(*queue);
  if (request.attr_mask & CURRENT_STATE && request.curr_wq_state != current) return EINVAL;
  if (request.attr_mask & FLAGS) {
    if (request.flags_mask & ~WQ_CVLAN_STRIPPING) return EOPNOTSUPP;
    if (request.flags_mask & WQ_CVLAN_STRIPPING) queue->stripVlan = request.flags & WQ_CVLAN_STRIPPING;
  }
  if (!(request.attr_mask & STATE) || request.wq_state == current) return 0;
  // Out of the error state leads only the reset state.
  if (request.wq_state > WQ_ERROR || (current == WQ_ERROR && request.wq_state == WQ_READY)) return EINVAL;
  moveTo(context.device, *queue, request.wq_state);
  return 0;
}

int destroyWorkQueue(Context& context, uint32_t handle) {
  auto queue = context.find(context.workQueues, handle);
  if (!queue) return EINVAL;
  if (queue->uses) return EBUSY;
  queue->asyncEventsDelivered -= context.async->takeBack(queue->userHandle, sizeof(ib_uverbs_async_event_desc));
  queue->cq->uses--;
  domainOf(context, queue->pdn)->uses--;
  context.device.receives.erase(queue->number);
  context.workQueues.erase(handle);
  return 0;
}

int destroyWq(Context& context, const Command& command) {
  uint32_t handle = command.read<ib_uverbs_ex_destroy_wq>().wq_handle;
  auto queue = context.find(context.workQueues, handle);
  int error = destroyWorkQueue(context, handle);
  if (!error) command.answer(ib_uverbs_ex_destroy_wq_resp{0, sizeof(ib_uverbs_ex_destroy_wq_resp), queue->asyncEventsDelivered, 0});
  return error;
}

int createTable(Context& context, const Command& command) {
  auto request = command.read<ib_uverbs_ex_create_rwq_ind_table>();
  if (request.comp_mask) return EOPNOTSUPP;
  if (request.log_ind_tbl_size > MAX_TABLE_LOG) return EINVAL;
  uint32_t size = 1u << request.log_ind_tbl_size;
  if (command.requestBytes < sizeof request + size * 4) return EINVAL;
  auto table = std::make_shared<IndirectionTable>();
  table->number = newQueueNumber();
  for (uint32_t i = 0; i < size; i++) {
    uint32_t handle;
    memcpy(&handle, command.request + sizeof request + i * 4, sizeof handle);
    auto queue = context.find(context.workQueues, handle);
    if (!queue) return EINVAL;
    table->queues.push_back(queue);
  }
  for (const auto& queue : table->queues) queue->uses++;
  uint32_t handle = context.add(context.tables, table);
  command.answer(ib_uverbs_ex_create_rwq_ind_table_resp{0, sizeof(ib_uverbs_ex_create_rwq_ind_table_resp), handle, table->number});
  command.answerDriver(mlx5_ib_create_rwq_ind_tbl_resp{sizeof(mlx5_ib_create_rwq_ind_tbl_resp), 0});
  return 0;
}

int destroyTable(Context& context, uint32_t handle) {
  auto table = context.find(context.tables, handle);
  if (!table) return EINVAL;
  if (table->uses) return EBUSY;
  for (const auto& queue : table->queues) queue->uses--;
  context.tables.erase(handle);
  return 0;
}

int destroyTableCommand(Context& context, const Command& command) {
  return destroyTable(context, command.read<ib_uverbs_ex_destroy_rwq_ind_table>().ind_tbl_handle);
}

} // namespace emulator
