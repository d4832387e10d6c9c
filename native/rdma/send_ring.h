// What a send queue does whichever way it reaches the NIC, `Way`: DvSend writes WQEs and reads CQEs, IbvSend calls the verbs. A CQE is asked
// for at the end of each burst and now and then within.
//
// Basic blocks (ibv: packets) are counted for ever, and so are buffers and packets; marks_ tells how far buffers and packets had come where a
// WQE began. A completion names its WQE's first block: everything before the next WQE's mark is done.
//
//   blocks     completed_                                posted_
//                v                                         v
//     ...------+-------------+-----+-----+-----+---------+-----...
//              | WQE         | WQE | WQE | WQE | WQE     |
//     ...------+-------------+-----+-----+-----+---------+-----...
//              ^ mark        ^ mark …          ^ mark
//              { 100, 40 }   { 105, 41 } …     { 108, 44 }       buffers, packets before it
#pragma once

#include <algorithm>

#include "dv_layout.h"
#include "queue.h"

template <class Way> class SendRing final : public SendQueue {
 public:
  explicit SendRing(const typename Way::Ring& ring) : SendQueue(ring.count), way_(ring) {}

  uint32_t transmit(const WorkerMemory& memory, const uint32_t* indices, uint32_t n, uint32_t swIfIndex) override {
    reap(memory);
    Mark before = postedMark_;
    for (uint32_t i = sendPlain(memory, indices, n); i < n; i += sendPlain(memory, indices + i, n - i)) {
      uint32_t index = indices[i++];
      if (!memory.usedBufferAt(index)) {
        memory.countBadBuffer();
      } else if (uint32_t counter = send(memory, index, swIfIndex)) {
        memory.count(swIfIndex, counter, 1);
        memory.freeChain(index);
      }
    }
    flush(memory, swIfIndex);
    uint32_t sent = postedMark_.packets - before.packets;
    if (sent > 0) {
      memory.count(swIfIndex, abi::IFC_TX_PACKETS, sent);
      memory.count(swIfIndex, abi::IFC_TX_BYTES, postedMark_.bytes - before.bytes);
    }
    return sent;
  }

  void reap(const WorkerMemory& memory) override {
    Completion completion{};
    uint32_t upTo = completed_;
    while (!failed_ && way_.completions.next(&completion, 1)) {
      uint32_t first = upTo + static_cast<uint16_t>(completion.wqeCounter - upTo); // the NIC counts 16 bits
      bool known = first - completed_ < posted_ - completed_;
      failed_ = completion.opcode != CQE_SEND_DONE || !known;
      if (!known) break;
      upTo = failed_ ? first : first + marks_[first & (way_.ring.count - 1)].blocks; // packets before a failed one were sent
    }
    if (upTo == completed_) return;
    retire(memory, upTo);
    way_.completions.publish();
  }

  void restart(const WorkerMemory& memory, uint32_t swIfIndex) override {
    uint64_t lost = postedMark_.packets - completedMark_.packets;
    memory.count(swIfIndex, abi::IFC_TX_ERROR, lost);
    memory.count(swIfIndex, abi::IFC_TX_PACKETS, -lost);
    memory.count(swIfIndex, abi::IFC_TX_BYTES, -static_cast<uint64_t>(postedMark_.bytes - completedMark_.bytes));
    way_.completions.discard();
    retire(memory, posted_);
    posted_ = completed_ = 0;
    way_.restart();
    failed_ = false;
  }

  std::string dump() const override {
    return way_.name() + ", posted " + std::to_string(posted_) + ", completed " + std::to_string(completed_) + "\n" + way_.dump(posted_);
  }

 private:
  /** Puts the first of these packets into the ring, as many as it has room for and are plain; gives how many. The others are for send(). */
  __attribute__((noinline)) uint32_t sendPlain(const WorkerMemory& given, const uint32_t* indices, uint32_t n) {
    if (failed_ || !way_.takesPlain()) return 0;
    const WorkerMemory memory = given; // which no store below can change, as far as the compiler can see
    const uint32_t room = way_.ring.count - (posted_ - completed_), mask = way_.ring.count - 1;
    const uint32_t held = static_cast<uint32_t>(buffers_.size()), most = std::min({n, room, held - pending()});
    uint32_t* const buffers = buffers_.data();
    Mark *const marks = marks_.data(), mark = postedMark_;
    uint32_t block = posted_, i = 0;
    PlainOutgoing packet{};
    const auto writer = way_.plainWriter(memory);
    for (; i < most; i++) {
      if (!packet.read(memory, indices[i])) break;
      writer.write(packet, block);
      marks[block++ & mask] = {mark.buffers, mark.packets++, mark.bytes, 1};
      mark.bytes += packet.length;
      buffers[mark.buffers++ & (held - 1)] = packet.buffer;
    }
    if (i == 0) return 0;
    way_.wrotePlain(block - 1);
    posted_ = block;
    postedMark_ = mark;
    return i;
  }

  /** Gives 0 once the packet is in the ring, or the counter that tells why it is not. */
  uint32_t send(const WorkerMemory& memory, uint32_t index, uint32_t swIfIndex) {
    if (failed_) return abi::IFC_TX_ERROR;
    if (uint32_t counter = packet_.read(memory, index)) return counter;
    if (packet_.segment && packet_.total - packet_.headers > way_.ring.tsoMax) return abi::IFC_TX_TOO_LONG;
    auto plan = way_.plan(packet_);
    if (plan.blocks == 0) return abi::IFC_TX_TOO_LONG;
    if (!hasRoom(plan.blocks)) {
      flush(memory, swIfIndex); // what the NIC does not know of never completes
      reap(memory);
      if (!hasRoom(plan.blocks)) return abi::IFC_TX_NO_ROOM;
    }
    way_.write(memory, packet_, posted_, plan);

    Mark& mark = marks_[posted_ & (way_.ring.count - 1)];
    mark = postedMark_;
    mark.blocks = plan.blocks;
    for (uint32_t i = 0; i < packet_.bufferCount; i++) heldAt(postedMark_.buffers++) = packet_.buffers[i];
    postedMark_.packets++;
    postedMark_.bytes += packet_.total;
    posted_ += plan.blocks;
    return 0;
  }

  bool hasRoom(uint32_t blocks) const {
    return posted_ + blocks - completed_ <= way_.ring.count && pending() + packet_.bufferCount <= buffers_.size();
  }

  /** Lets the NIC begin; what it refuses is freed and counted. */
  void flush(const WorkerMemory& memory, uint32_t swIfIndex) {
    uint32_t accepted = way_.flush(posted_);
    if (accepted == posted_) return;
    Mark target = markAt(accepted);
    memory.count(swIfIndex, abi::IFC_TX_ERROR, postedMark_.packets - target.packets);
    Returning returning(memory);
    while (postedMark_.buffers != target.buffers) giveBack(memory, returning, heldAt(--postedMark_.buffers));
    postedMark_ = target;
    posted_ = accepted;
  }

  Way way_;
};
