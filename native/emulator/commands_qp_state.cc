// The states of raw packet QPs and of the rings they own.

#include <cerrno>
#include <rdma/ib_user_verbs.h>

#include "commands.h"

namespace emulator {

/** enum ib_qp_state. */
enum : uint8_t { RESET = 0, INIT = 1, RTR = 2, RTS = 3, SQD = 4, SQE = 5, ERROR = 6 };

/** A send error stops the send half alone. */
static uint8_t verbsState(const QueuePair& qp) {
  if (qp.state == QueueState::readyToSend && qp.sq && qp.sq->state == QueueState::error) return SQE;
  switch (qp.state) {
    case QueueState::reset: return RESET;
    case QueueState::init: return INIT;
    case QueueState::ready: return RTR;
    case QueueState::readyToSend: return RTS;
    default: return ERROR;
  }
}

enum : uint32_t { STATE = 1 << 0, CURRENT_STATE = 1 << 1, PORT = 1 << 5, RATE_LIMIT = 1 << 25 }; // enum ib_qp_attr_mask

/** InfiniBand specification 10.3.1 and mlx5_ib: what a raw packet QP may become, and what must and may be said with it. */
static bool isAllowed(uint8_t from, uint8_t to, uint32_t mask) {
  mask &= ~(STATE | CURRENT_STATE);
  if (to == RESET || to == ERROR) return mask == 0;
  if (from == RESET && to == INIT) return mask == PORT;
  if ((from == INIT && (to == INIT || to == RTR)) || (from == SQE && to == RTS)) return mask == 0;
  if ((from == RTR || from == RTS) && to == RTS) return (mask & ~RATE_LIMIT) == 0;
  return false;
}

static void resetRings(QueuePair& qp) {
  qp.state = QueueState::reset;
  if (qp.sq) {
    qp.sq->state = QueueState::reset;
    rewind(*qp.sq);
  }
  if (qp.rq) {
    qp.rq->state = QueueState::reset;
    rewind(*qp.rq);
  }
}

static void failRings(Device& device, QueuePair& qp) {
  qp.state = QueueState::error;
  if (qp.sq && qp.sq->state != QueueState::error) {
    qp.sq->state = QueueState::error;
    flush(device, *qp.sq);
  }
  if (qp.rq && qp.rq->state != QueueState::error) {
    qp.rq->state = QueueState::error;
    flush(device, *qp.rq);
  }
}

/** The rings follow the QP: mlx5_ib opens the receive ring with INIT already, and the driver tells it of WQEs with RTR. */
static void moveTo(Device& device, QueuePair& qp, uint8_t state) {
  if (state == RESET) return resetRings(qp);
  if (state == ERROR) return failRings(device, qp);
  if (state == INIT) qp.state = QueueState::init;
  if (state == INIT && qp.rq) qp.rq->state = QueueState::ready;
  if (state == RTR) qp.state = QueueState::ready;
  if (state != RTS) return;
  qp.state = QueueState::readyToSend;
  if (qp.sq) qp.sq->state = QueueState::readyToSend;
}

static int modify(Context& context, const ib_uverbs_modify_qp& request) {
  auto qp = context.find(context.queuePairs, request.qp_handle);
  if (!qp) return EINVAL;
  if (qp->table) return EOPNOTSUPP;
  if (request.attr_mask & PORT && request.port_num != 1) return EINVAL;
  uint8_t current = verbsState(*qp);
  if (request.attr_mask & CURRENT_STATE && request.cur_qp_state != current) return EINVAL;
  uint8_t next = request.attr_mask & STATE ? request.qp_state : current;
  if (!isAllowed(current, next, request.attr_mask)) return EINVAL;
  if (request.attr_mask & STATE) moveTo(context.device, *qp, next);
  return 0;
}

int modifyQp(Context& context, const Command& command) { return modify(context, command.read<ib_uverbs_modify_qp>()); }

int modifyQpEx(Context& context, const Command& command) {
  auto request = command.read<ib_uverbs_ex_modify_qp>();
  if (request.base.attr_mask & RATE_LIMIT) return EOPNOTSUPP; // no packet pacing
  int error = modify(context, request.base);
  if (!error) command.answer(ib_uverbs_ex_modify_qp_resp{0, sizeof(ib_uverbs_ex_modify_qp_resp)});
  return error;
}

int queryQp(Context& context, const Command& command) {
  uint32_t handle = command.read<ib_uverbs_query_qp>().qp_handle;
  auto qp = context.find(context.queuePairs, handle);
  if (!qp) return EINVAL;
  if (qp->table) return EOPNOTSUPP;
  const QueuePairCaps& caps = context.caps[handle];
  ib_uverbs_query_qp_resp answer{};
  answer.qp_state = answer.cur_qp_state = verbsState(*qp);
  answer.max_send_wr = caps.maxSendWr;
  answer.max_recv_wr = caps.maxRecvWr;
  answer.max_send_sge = caps.maxSendSge;
  answer.max_recv_sge = caps.maxRecvSge;
  answer.max_inline_data = caps.maxInlineData;
  answer.sq_sig_all = caps.signalAll;
  answer.port_num = qp->port;
  command.answer(answer);
  return 0;
}

} // namespace emulator
