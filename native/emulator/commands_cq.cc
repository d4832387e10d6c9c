// Completion channels and completion queues.

#include <cerrno>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

#include "bytes.h"
#include "commands.h"

namespace emulator {

constexpr uint32_t MAX_CQE = (1 << 22) - 1;
constexpr uint32_t COMPLETION_VECTORS = 2;

int createChannel(Context& context, const Command& command) {
  auto channel = std::make_shared<CompletionChannel>();
  if (channel->driverEnd() < 0) return ENFILE;
  context.channels[channel->driverEnd()] = channel;
  command.answer(ib_uverbs_create_comp_channel_resp{static_cast<uint32_t>(channel->driverEnd())});
  return 0;
}

static uint32_t powerOfTwo(uint32_t least) {
  uint32_t entries = 1;
  while (entries < least) entries *= 2;
  return entries;
}

template <typename T>
static T* pointer(uint64_t address) {
  return reinterpret_cast<T*>(address);
}

static int setCompression(const Device& device, const mlx5_ib_create_cq& driver, CompletionQueue& cq) {
  cq.compress = driver.cqe_comp_en;
  if (!cq.compress) return 0;
  if (!device.compression) return EOPNOTSUPP;
  if (driver.cqe_comp_res_format == MLX5_IB_CQE_RES_FORMAT_HASH) cq.miniFormat = MiniFormat::hash;
  else if (driver.cqe_comp_res_format == MLX5_IB_CQE_RES_FORMAT_CSUM) cq.miniFormat = MiniFormat::checksum;
  else if (driver.cqe_comp_res_format == MLX5_IB_CQE_RES_FORMAT_CSUM_STRIDX) cq.miniFormat = MiniFormat::checksumStride;
  else return EOPNOTSUPP;
  return 0;
}

static int create(Context& context, const Command& command, const ib_uverbs_ex_create_cq& request, ib_uverbs_create_cq_resp& answer) {
  static uint32_t lastNumber = 0x400;
  auto driver = command.readDriver<mlx5_ib_create_cq>();
  if (request.cqe == 0 || request.cqe > MAX_CQE || request.comp_vector >= COMPLETION_VECTORS) return EINVAL;
  if (driver.cqe_size != 64 && driver.cqe_size != 128) return EINVAL;
  if (request.flags & ~(IB_UVERBS_CQ_FLAGS_TIMESTAMP_COMPLETION | IB_UVERBS_CQ_FLAGS_IGNORE_OVERRUN) || driver.flags) return EOPNOTSUPP;
  auto cq = std::make_shared<CompletionQueue>();
  cq->entries = powerOfTwo(request.cqe + 1);
  cq->entrySize = driver.cqe_size;
  if (!isMapped(driver.buf_addr, uint64_t(cq->entries) * cq->entrySize, true) || !isMapped(driver.db_addr, 8, true)) return EFAULT;
  if (int error = setCompression(context.device, driver, *cq)) return error;
  if (request.comp_channel >= 0) {
    auto channel = context.channels.find(request.comp_channel);
    if (channel == context.channels.end()) return EINVAL;
    cq->channel = channel->second;
  }
  cq->cqn = ++lastNumber & 0xffffff;
  cq->userHandle = request.user_handle;
  cq->buffer = pointer<uint8_t>(driver.buf_addr);
  cq->doorbell = pointer<uint32_t>(driver.db_addr);
  cq->ignoreOverrun = request.flags & IB_UVERBS_CQ_FLAGS_IGNORE_OVERRUN;
  cq->uarPage = context.uarNumber(0);
  context.device.completions[cq->cqn] = cq;
  answer.cq_handle = context.add(context.completions, cq);
  answer.cqe = cq->entries - 1;
  command.answerDriver(mlx5_ib_create_cq_resp{cq->cqn, 0});
  return 0;
}

int createCq(Context& context, const Command& command) {
  auto legacy = command.read<ib_uverbs_create_cq>();
  ib_uverbs_ex_create_cq request{legacy.user_handle, legacy.cqe, legacy.comp_vector, legacy.comp_channel, 0, 0, 0};
  ib_uverbs_create_cq_resp answer{};
  int error = create(context, command, request, answer);
  if (!error) command.answer(answer);
  return error;
}

int createCqEx(Context& context, const Command& command) {
  auto request = command.read<ib_uverbs_ex_create_cq>();
  if (request.comp_mask || request.reserved) return EINVAL;
  ib_uverbs_ex_create_cq_resp answer{};
  int error = create(context, command, request, answer.base);
  answer.response_length = sizeof answer;
  if (!error) command.answer(answer);
  return error;
}

/** PRM, "Resize CQ": the last entry of the old ring is a CQE with opcode 5; the next goes into the new one, indices count on. */
static void moveRing(CompletionQueue& cq, uint8_t* buffer, uint32_t entries) {
  constexpr uint8_t RESIZE = 5;
  uint8_t* last = cq.buffer + (cq.producer & (cq.entries - 1)) * cq.entrySize + (cq.entrySize - 64);
  uint8_t owner = cq.producer & cq.entries ? 1 : 0;
  __atomic_store_n(last + 63, static_cast<uint8_t>(RESIZE << 4 | owner), __ATOMIC_RELEASE);
  cq.producer++;
  cq.buffer = buffer;
  cq.entries = entries;
}

int resizeCq(Context& context, const Command& command) {
  auto request = command.read<ib_uverbs_resize_cq>();
  auto driver = command.readDriver<mlx5_ib_resize_cq>();
  auto cq = context.find(context.completions, request.cq_handle);
  if (!cq || request.cqe == 0 || request.cqe > MAX_CQE || driver.cqe_size != cq->entrySize) return EINVAL;
  uint32_t entries = powerOfTwo(request.cqe + 1);
  uint32_t unread = (cq->producer - readRecord(&cq->doorbell[0])) & 0xffffff;
  if (unread >= entries) return EINVAL;
  if (!isMapped(driver.buf_addr, uint64_t(entries) * cq->entrySize, true)) return EFAULT;
  moveRing(*cq, pointer<uint8_t>(driver.buf_addr), entries);
  command.answer(ib_uverbs_resize_cq_resp{entries - 1, 0});
  return 0;
}

/** Moderation: events as often as they come are within what was asked for. */
int modifyCq(Context& context, const Command& command) {
  auto request = command.read<ib_uverbs_ex_modify_cq>();
  return context.find(context.completions, request.cq_handle) && request.attr_mask == 1 ? 0 : EINVAL; // IB_CQ_MODERATE
}

int destroyCompletionQueue(Context& context, uint32_t handle) {
  auto cq = context.find(context.completions, handle);
  if (!cq) return EINVAL;
  if (cq->uses) return EBUSY;
  // What the driver did not read yet it will not read any more.
  if (cq->channel) cq->eventsDelivered -= cq->channel->takeBack(cq->userHandle, sizeof(ib_uverbs_comp_event_desc));
  cq->asyncEventsDelivered -= context.async->takeBack(cq->userHandle, sizeof(ib_uverbs_async_event_desc));
  context.device.completions.erase(cq->cqn);
  context.completions.erase(handle);
  return 0;
}

int destroyCq(Context& context, const Command& command) {
  uint32_t handle = command.read<ib_uverbs_destroy_cq>().cq_handle;
  auto cq = context.find(context.completions, handle);
  int error = destroyCompletionQueue(context, handle);
  if (!error) command.answer(ib_uverbs_destroy_cq_resp{cq->eventsDelivered, cq->asyncEventsDelivered});
  return error;
}

} // namespace emulator
