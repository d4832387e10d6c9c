// The verbs objects behind a port: a raw packet QP to send, receive WQs, and the table by which RSS spreads packets over them.
#pragma once

#include <memory>
#include <vector>

#include "../worker_memory.h"
#include "device.h"

/** An object of the library that is destroyed with its owner. */
template <typename T> using Owned = std::unique_ptr<T, int (*)(T*)>;

/** A raw packet QP that only sends. */
struct SendObjects {
  /** `packets`: how many the queue holds; each of up to `pieces` pieces, of fewer where the device's rings are too short for that. */
  Failure create(const Device& device, uint32_t packets, uint32_t pieces, bool segmentation, bool direct);
  /** From any state through RESET to ready to send: what was under way is gone. */
  Failure restart(const Device& device);
  void destroy() { qp.reset(), cq.reset(); }

  Owned<verbs::ibv_cq> cq{nullptr, nullptr};
  Owned<verbs::ibv_qp> qp{nullptr, nullptr};
  uint32_t packets = 0, pieces = 0;
};

/** log2 of a stride: one buffer of the pool. */
constexpr uint32_t LOG_STRIDE = 11;
static_assert(1u << LOG_STRIDE == abi::BUFFER_DATA, "a stride is a buffer's data");

/** Bytes of a CQE; devices can make longer ones, for data inside them. */
constexpr uint32_t CQE_SIZE = 64;

struct ReceiveShape {
  uint32_t packets; // that the queue holds while none is longer than a buffer, a power of two
  uint32_t segments; // buffers of a WQE, unless it is striding
  uint32_t logStrides; // per WQE; 0: not striding
  uint8_t compression; // MLX5DV_CQE_RES_FORMAT_*; 0: none
};

/** A receive WQ and its CQ, which wakes sleepers through `channel`. */
struct ReceiveObjects {
  Failure create(const Device& device, verbs::ibv_comp_channel* channel, const ReceiveShape& shape, bool direct);
  Failure restart(const Device& device);
  void destroy() { wq.reset(), cq.reset(); }

  Owned<verbs::ibv_cq> cq{nullptr, nullptr};
  Owned<verbs::ibv_wq> wq{nullptr, nullptr};
};

/** Spreads what flows bring over the WQs: one RSS QP hashes IPv4 (and takes what is neither), one IPv6, since no QP hashes both. */
struct Spread {
  Failure create(const Device& device, const std::vector<verbs::ibv_wq*>& queues, uint64_t fields4, uint64_t fields6);
  void destroy() { qp4.reset(), qp6.reset(), table.reset(); }

  Owned<verbs::ibv_rwq_ind_table> table{nullptr, nullptr};
  Owned<verbs::ibv_qp> qp4{nullptr, nullptr}, qp6{nullptr, nullptr};
};
