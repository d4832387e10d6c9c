// Raw packet QPs, with a send and perhaps a receive ring of their own, and RSS QPs, which spread what they receive over an indirection table.

#include <algorithm>
#include <cerrno>
#include <linux/capability.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

#include "commands.h"
#include "numbers.h"

namespace emulator {

constexpr uint8_t RAW_PACKET = 8; // enum ib_qp_type
enum : uint32_t { CREATE_BLOCK_MULTICAST_LOOPBACK = 1 << 1, CREATE_SCATTER_FCS = 1 << 8, CREATE_CVLAN_STRIPPING = 1 << 9 }; // enum ib_qp_create_flags

/** The doorbell registers are dealt out in turn; register 0 has no BlueFlame buffer and is left to completion queues. */
static uint32_t newRegister(Context& context) {
  uint32_t number = context.nextRegister++ % (context.uarPages * 2 - 1) + 1;
  return context.uarNumber(number / 2 * 4 | number % 2);
}

static int makeSendQueue(const mlx5_ib_create_qp& driver, QueuePair& qp) {
  if (!isPowerOfTwo(driver.sq_wqe_count) || driver.sq_wqe_count > MAX_WR) return EINVAL;
  if (!isMapped(driver.sq_buf_addr, driver.sq_wqe_count * 64ull, true)) return EFAULT;
  qp.sq = std::make_shared<SendQueue>();
  qp.sq->number = qp.number;
  qp.sq->pdn = qp.pdn;
  qp.sq->transportDomain = qp.transportDomain;
  qp.sq->userIndex = driver.uidx;
  qp.sq->userHandle = qp.userHandle;
  qp.sq->buffer = reinterpret_cast<uint8_t*>(driver.sq_buf_addr);
  qp.sq->doorbell = reinterpret_cast<uint32_t*>(driver.db_addr);
  qp.sq->count = driver.sq_wqe_count;
  return 0;
}

static int makeReceiveQueue(const mlx5_ib_create_qp& driver, QueuePair& qp) {
  if (!isPowerOfTwo(driver.rq_wqe_count) || driver.rq_wqe_count > MAX_WR || driver.rq_wqe_shift < 4 || driver.rq_wqe_shift > 9) return EINVAL;
  if (!isMapped(driver.buf_addr, uint64_t(driver.rq_wqe_count) << driver.rq_wqe_shift, true)) return EFAULT;
  qp.rq = std::make_shared<ReceiveQueue>();
  qp.rq->number = newQueueNumber();
  qp.rq->pdn = qp.pdn;
  qp.rq->userIndex = driver.uidx;
  qp.rq->userHandle = qp.userHandle;
  qp.rq->buffer = reinterpret_cast<uint8_t*>(driver.buf_addr);
  qp.rq->doorbell = reinterpret_cast<uint32_t*>(driver.db_addr);
  qp.rq->count = driver.rq_wqe_count;
  qp.rq->logStride = driver.rq_wqe_shift;
  qp.rq->signatureSegment = driver.flags & MLX5_QP_FLAG_SIGNATURE;
  return 0;
}

/** Gives the QP what its rings complete to; they count as users of it. */
static int attachCompletions(Context& context, const ib_uverbs_ex_create_qp& request, QueuePair& qp) {
  auto sendCq = context.find(context.completions, request.send_cq_handle);
  auto receiveCq = context.find(context.completions, request.recv_cq_handle);
  if ((qp.sq && !sendCq) || (qp.rq && !receiveCq)) return EINVAL;
  if (qp.sq) {
    qp.sq->cq = sendCq;
    qp.sq->uarRegister = newRegister(context);
    qp.sq->signalAll = request.sq_sig_all;
    sendCq->uses++;
    context.device.sends[qp.sq->number] = qp.sq;
  }
  if (qp.rq) {
    qp.rq->cq = receiveCq;
    qp.rq->scatterFcs = request.create_flags & CREATE_SCATTER_FCS;
    qp.rq->stripVlan = request.create_flags & CREATE_CVLAN_STRIPPING;
    receiveCq->uses++;
    context.device.receives[qp.rq->number] = qp.rq;
  }
  return 0;
}

static void setLoopback(uint32_t flags, QueuePair& qp) {
  qp.loopbackUnicast = flags & MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_UC;
  qp.loopbackMulticast = flags & MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_MC;
}

static int makeRaw(Context& context, const Command& command, const ib_uverbs_ex_create_qp& request, QueuePair& qp) {
  constexpr uint32_t KNOWN = MLX5_QP_FLAG_SIGNATURE | MLX5_QP_FLAG_SCATTER_CQE | MLX5_QP_FLAG_TUNNEL_OFFLOADS | MLX5_QP_FLAG_ALLOW_SCATTER_CQE |
                             MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_UC | MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_MC;
  constexpr uint32_t KNOWN_CREATE = CREATE_BLOCK_MULTICAST_LOOPBACK | CREATE_SCATTER_FCS | CREATE_CVLAN_STRIPPING;
  auto driver = command.readDriver<mlx5_ib_create_qp>();
  if (request.create_flags & ~KNOWN_CREATE || driver.flags & ~KNOWN) return EOPNOTSUPP;
  if (driver.sq_wqe_count == 0 && driver.rq_wqe_count == 0) return EINVAL;
  if (!isMapped(driver.db_addr, 8, true)) return EFAULT;
  setLoopback(request.create_flags & CREATE_BLOCK_MULTICAST_LOOPBACK ? driver.flags & ~MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_MC : driver.flags, qp);
  int error = driver.sq_wqe_count ? makeSendQueue(driver, qp) : 0;
  if (!error && driver.rq_wqe_count) error = makeReceiveQueue(driver, qp);
  if (!error) error = attachCompletions(context, request, qp);
  if (error) return error;
  mlx5_ib_create_qp_resp answer{};
  answer.bfreg_index = qp.sq ? qp.sq->uarRegister & UAR_OWN_MASK : 0;
  command.answerDriver(answer);
  return 0;
}

/** mlx5_ib: one IP version and one of TCP and UDP a QP; without any field there is nothing to spread by. */
static int checkHash(const mlx5_ib_create_qp_rss& driver, const IndirectionTable& table) {
  constexpr uint64_t IPV4 = MLX5_RX_HASH_SRC_IPV4 | MLX5_RX_HASH_DST_IPV4, IPV6 = MLX5_RX_HASH_SRC_IPV6 | MLX5_RX_HASH_DST_IPV6;
  constexpr uint64_t TCP = MLX5_RX_HASH_SRC_PORT_TCP | MLX5_RX_HASH_DST_PORT_TCP, UDP = MLX5_RX_HASH_SRC_PORT_UDP | MLX5_RX_HASH_DST_PORT_UDP;
  uint64_t fields = driver.rx_hash_fields_mask;
  if (driver.comp_mask || fields & ~(IPV4 | IPV6 | TCP | UDP)) return EOPNOTSUPP;
  if (!fields) return table.queues.size() == 1 ? 0 : EINVAL;
  if (driver.rx_hash_function != MLX5_RX_HASH_FUNC_TOEPLITZ) return EOPNOTSUPP;
  if (driver.rx_key_len != sizeof Hash::key) return EINVAL;
  return (fields & IPV4 && fields & IPV6) || (fields & TCP && fields & UDP) ? EINVAL : 0;
}

static int makeRss(Context& context, const Command& command, const ib_uverbs_ex_create_qp& request, QueuePair& qp) {
  constexpr uint32_t KNOWN = MLX5_QP_FLAG_TUNNEL_OFFLOADS | MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_UC | MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_MC;
  auto driver = command.readDriver<mlx5_ib_create_qp_rss>();
  auto table = context.find(context.tables, request.rwq_ind_tbl_handle);
  if (!table || request.max_recv_wr || request.max_recv_sge || request.max_send_wr) return EINVAL;
  if (request.create_flags || driver.flags & ~KNOWN) return EOPNOTSUPP;
  if (int error = checkHash(driver, *table)) return error;
  setLoopback(driver.flags, qp);
  qp.table = table;
  qp.state = QueueState::ready;
  qp.hash.function = driver.rx_hash_function;
  qp.hash.fields = driver.rx_hash_fields_mask;
  std::copy_n(driver.rx_hash_key, qp.hash.key.size(), qp.hash.key.begin());
  table->uses++;
  command.answerDriver(mlx5_ib_create_qp_resp{});
  return 0;
}

static int create(Context& context, const Command& command, const ib_uverbs_ex_create_qp& request, ib_uverbs_create_qp_resp& answer) {
  if (request.qp_type != RAW_PACKET || request.is_srq) return EOPNOTSUPP;
  if (!hasCapability(CAP_NET_RAW)) return EPERM;
  auto domain = context.find(context.domains, request.pd_handle);
  if (!domain) return EINVAL;
  auto qp = std::make_shared<QueuePair>();
  qp->number = newQueueNumber();
  qp->pdn = domain->pdn;
  qp->transportDomain = context.transportDomain;
  qp->userHandle = request.user_handle;
  bool rss = request.comp_mask & IB_UVERBS_CREATE_QP_MASK_IND_TABLE;
  if (int error = rss ? makeRss(context, command, request, *qp) : makeRaw(context, command, request, *qp)) return error;
  domain->uses++;
  context.device.queuePairs[qp->number] = qp;
  answer.qp_handle = context.add(context.queuePairs, qp);
  answer.qpn = rss ? 0 : qp->number; // an RSS QP has no number of its own
  answer.max_send_wr = request.max_send_wr;
  answer.max_recv_wr = request.max_recv_wr;
  answer.max_send_sge = request.max_send_sge;
  answer.max_recv_sge = request.max_recv_sge;
  answer.max_inline_data = request.max_inline_data;
  context.caps[answer.qp_handle] = {request.max_send_wr,  request.max_recv_wr,     request.max_send_sge,
                                    request.max_recv_sge, request.max_inline_data, request.sq_sig_all != 0};
  return 0;
}

int createQp(Context& context, const Command& command) {
  auto legacy = command.read<ib_uverbs_create_qp>();
  ib_uverbs_ex_create_qp request{};
  // From user_handle to is_srq both structs are the same.
  constexpr size_t SAME = offsetof(ib_uverbs_ex_create_qp, comp_mask);
  static_assert(sizeof legacy - offsetof(ib_uverbs_create_qp, user_handle) == SAME, "ib_user_verbs.h");
  memcpy(&request, &legacy.user_handle, SAME);
  ib_uverbs_create_qp_resp answer{};
  int error = create(context, command, request, answer);
  if (!error) command.answer(answer);
  return error;
}

int createQpEx(Context& context, const Command& command) {
  auto request = command.read<ib_uverbs_ex_create_qp>();
  if (request.comp_mask & ~IB_UVERBS_CREATE_QP_SUP_COMP_MASK) return EINVAL;
  ib_uverbs_ex_create_qp_resp answer{};
  int error = create(context, command, request, answer.base);
  answer.response_length = sizeof answer;
  if (!error) command.answer(answer);
  return error;
}

int destroyQueuePair(Context& context, uint32_t handle) {
  auto qp = context.find(context.queuePairs, handle);
  if (!qp) return EINVAL;
  if (qp->uses) return EBUSY;
  qp->asyncEventsDelivered -= context.async->takeBack(qp->userHandle, sizeof(ib_uverbs_async_event_desc));
  if (qp->sq) {
    qp->sq->cq->uses--;
    context.device.sends.erase(qp->sq->number);
  }
  if (qp->rq) {
    qp->rq->cq->uses--;
    context.device.receives.erase(qp->rq->number);
  }
  if (qp->table) qp->table->uses--;
  domainOf(context, qp->pdn)->uses--;
  context.device.queuePairs.erase(qp->number);
  context.queuePairs.erase(handle);
  context.caps.erase(handle);
  return 0;
}

int destroyQp(Context& context, const Command& command) {
  uint32_t handle = command.read<ib_uverbs_destroy_qp>().qp_handle;
  auto qp = context.find(context.queuePairs, handle);
  int error = destroyQueuePair(context, handle);
  if (!error) command.answer(ib_uverbs_destroy_qp_resp{qp->asyncEventsDelivered});
  return error;
}

} // namespace emulator
