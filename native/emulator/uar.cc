// The UAR pages (PRM, "User Access Region"): 4 KiB of doorbell registers each, mapped by the driver from its command descriptor.
//
//   page + 0x020  arms completion queues
//   page + 0x800 + 512·k + 256·half  doorbell register k (bfreg), k = 0 and 1 for user space; a WQE may be written there as BlueFlame
//
// The driver names a register by 4·page + k. The pages of the memfd are the pages that both sides map, so a store by the driver is seen
// here with the order that the processor gives it.

#include <cerrno>
#include <rdma/mlx5-abi.h>

#include "context.h"

namespace emulator {

constexpr uint32_t ARM = 0x20;
constexpr uint32_t REGISTERS = 0x800;
constexpr uint32_t REGISTER_BYTES = 512;

static uint8_t* pageAt(Device& device, uint32_t slot, uint32_t page) {
  for (Context* context : device.contexts) {
    if (context->slot == slot) return page < context->uarPages ? context->uar + page * PAGE_BYTES : nullptr;
  }
  return nullptr;
}

volatile uint64_t* uarRegister(Device& device, uint32_t index, uint32_t half) {
  uint32_t number = index & UAR_OWN_MASK;
  uint8_t* page = pageAt(device, index >> UAR_SLOT_SHIFT, number / 4);
  if (!page) return nullptr;
  return reinterpret_cast<volatile uint64_t*>(page + REGISTERS + number % 4 * REGISTER_BYTES + half * (REGISTER_BYTES / 2));
}

volatile uint64_t* armRegister(Device& device, uint32_t index) {
  uint8_t* page = pageAt(device, index >> UAR_SLOT_SHIFT, index & UAR_OWN_MASK);
  return page ? reinterpret_cast<volatile uint64_t*>(page + ARM) : nullptr;
}

/** mlx5-abi.h, enum mlx5_ib_mmap_cmd: the offset is (command << 8 | index) pages. All kinds of mapping lead to the same registers. */
off_t pageOffset(const Context& context, size_t length, off_t offset) {
  uint64_t command = offset / PAGE_BYTES >> 8;
  uint64_t index = offset / PAGE_BYTES & 0xff;
  bool isUar = command == MLX5_IB_MMAP_REGULAR_PAGE || command == MLX5_IB_MMAP_WC_PAGE || command == MLX5_IB_MMAP_NC_PAGE;
  if (length == PAGE_BYTES && isUar && index < context.uarPages) return index * PAGE_BYTES;
  if (length == PAGE_BYTES && command == MLX5_IB_MMAP_CLOCK_INFO && index == MLX5_IB_CLOCK_INFO_V1) return CLOCK_PAGE * PAGE_BYTES;
  errno = command == MLX5_IB_MMAP_ALLOC_WC ? EOPNOTSUPP : EINVAL; // no pages beside those of GET_CONTEXT
  return -1;
}

} // namespace emulator
