// Protection domains and memory regions.

#include <cerrno>
#include <cstdio>
#include <linux/capability.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "commands.h"
#include "numbers.h"

namespace emulator {

constexpr uint64_t PAGE = 4096;
constexpr uint32_t KNOWN_ACCESS = IB_UVERBS_ACCESS_LOCAL_WRITE | IB_UVERBS_ACCESS_REMOTE_WRITE | IB_UVERBS_ACCESS_REMOTE_READ |
                                  IB_UVERBS_ACCESS_REMOTE_ATOMIC | IB_UVERBS_ACCESS_MW_BIND | IB_UVERBS_ACCESS_HUGETLB |
                                  IB_UVERBS_ACCESS_RELAXED_ORDERING;
constexpr uint32_t NEEDS_LOCAL_WRITE = IB_UVERBS_ACCESS_REMOTE_WRITE | IB_UVERBS_ACCESS_REMOTE_ATOMIC;

bool hasCapability(int capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  return syscall(SYS_capget, &header, data) == 0 && data[capability / 32].effective >> capability % 32 & 1;
}

bool isMapped(uint64_t start, uint64_t length, bool writable) {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (!maps) return true; // proc(5) is not mounted: nothing to go by
  uint64_t next = start;
  uint64_t end = start + length;
  char line[512];
  while (next < end && fgets(line, sizeof line, maps)) {
    unsigned long from, to;
    char read, write;
    if (sscanf(line, "%lx-%lx %c%c", &from, &to, &read, &write) != 4 || to <= next) continue;
    if (from > next || read != 'r' || (writable && write != 'w')) break;
    next = to;
  }
  fclose(maps);
  return next >= end;
}

int allocPd(Context& context, const Command& command) {
  static uint32_t lastNumber = 0;
  auto domain = std::make_shared<ProtectionDomain>();
  domain->pdn = ++lastNumber & 0xffffff;
  command.answer(ib_uverbs_alloc_pd_resp{context.add(context.domains, domain)});
  command.answerDriver(mlx5_ib_alloc_pd_resp{domain->pdn});
  return 0;
}

int deallocPd(Context& context, const Command& command) {
  uint32_t handle = command.read<ib_uverbs_dealloc_pd>().pd_handle;
  auto domain = context.find(context.domains, handle);
  if (!domain) return EINVAL;
  if (domain->uses) return EBUSY;
  context.domains.erase(handle);
  return 0;
}

/** Whole pages are pinned and count against RLIMIT_MEMLOCK. */
static uint64_t pinnedBytes(uint64_t start, uint64_t length) { return (start + length + PAGE - 1) / PAGE * PAGE - start / PAGE * PAGE; }

static int checkPinning(const Device& device, uint64_t start, uint64_t length, uint32_t access) {
  if (length == 0 || start + length < start) return EINVAL;
  if (!isMapped(start, length, access & (IB_UVERBS_ACCESS_LOCAL_WRITE | NEEDS_LOCAL_WRITE))) return EFAULT;
  if (hasCapability(CAP_IPC_LOCK)) return 0;
  uint64_t pinned = pinnedBytes(start, length);
  for (const auto& [lkey, region] : device.regions) pinned += pinnedBytes(region->start, region->length);
  rlimit limit;
  return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && pinned > limit.rlim_cur ? ENOMEM : 0;
}

static int checkAccess(uint32_t access) {
  if (access & ~(KNOWN_ACCESS | IB_UVERBS_ACCESS_OPTIONAL_RANGE)) return EOPNOTSUPP; // on-demand paging, zero-based addresses
  return access & NEEDS_LOCAL_WRITE && !(access & IB_UVERBS_ACCESS_LOCAL_WRITE) ? EINVAL : 0;
}

/** The low byte changes from use to use, so that a key that outlived its region matches nothing. */
static uint32_t newKey() {
  static uint32_t made = 0;
  made++;
  return (0x1800 + made) << 8 | (made * 0x35 & 0xff);
}

int registerRegion(Context& context, const Command& command) {
  auto request = command.read<ib_uverbs_reg_mr>();
  auto domain = context.find(context.domains, request.pd_handle);
  if (!domain || (request.start & (PAGE - 1)) != (request.hca_va & (PAGE - 1))) return EINVAL;
  if (int error = checkAccess(request.access_flags)) return error;
  if (int error = checkPinning(context.device, request.start, request.length, request.access_flags)) return error;
  auto region = std::make_shared<MemoryRegion>();
  *region = {newKey(), domain->pdn, request.start, request.length, request.hca_va, request.access_flags};
  domain->uses++;
  context.device.regions[region->lkey] = region;
  command.answer(ib_uverbs_reg_mr_resp{context.add(context.regions, region), region->lkey, region->lkey});
  return 0;
}

std::shared_ptr<ProtectionDomain> domainOf(const Context& context, uint32_t pdn) {
  for (const auto& [handle, domain] : context.domains) {
    if (domain->pdn == pdn) return domain;
  }
  return nullptr;
}

/** Changes what the flags name and gives the region a new key. */
int reregisterRegion(Context& context, const Command& command) {
  enum : uint32_t { TRANSLATION = 1, DOMAIN = 2, ACCESS = 4 }; // ib_verbs.h, IB_MR_REREG_*
  auto request = command.read<ib_uverbs_rereg_mr>();
  auto region = context.find(context.regions, request.mr_handle);
  if (!region || request.flags == 0 || request.flags & ~(TRANSLATION | DOMAIN | ACCESS)) return EINVAL;
  MemoryRegion changed = *region;
  if (request.flags & ACCESS) {
    changed.access = request.access_flags;
    if (int error = checkAccess(changed.access)) return error;
  }
  if (request.flags & TRANSLATION) {
    if ((request.start & (PAGE - 1)) != (request.hca_va & (PAGE - 1))) return EINVAL;
    changed.start = request.start;
    changed.length = request.length;
    changed.iova = request.hca_va;
  }
  if (int error = checkPinning(context.device, changed.start, changed.length, changed.access)) return error;
  if (request.flags & DOMAIN) {
    auto domain = context.find(context.domains, request.pd_handle);
    if (!domain) return EINVAL;
    domainOf(context, region->pdn)->uses--;
    domain->uses++;
    changed.pdn = domain->pdn;
  }
  context.device.regions.erase(region->lkey);
  *region = changed;
  region->lkey = newKey();
  context.device.regions[region->lkey] = region;
  command.answer(ib_uverbs_rereg_mr_resp{region->lkey, region->lkey});
  return 0;
}

int destroyRegion(Context& context, uint32_t handle) {
  auto region = context.find(context.regions, handle);
  if (!region) return EINVAL;
  context.device.regions.erase(region->lkey);
  if (auto domain = domainOf(context, region->pdn)) domain->uses--;
  context.regions.erase(handle);
  return 0;
}

int deregisterRegion(Context& context, const Command& command) {
  return destroyRegion(context, command.read<ib_uverbs_dereg_mr>().mr_handle);
}

} // namespace emulator
