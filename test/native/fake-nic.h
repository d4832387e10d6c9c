// The other side of the rings, for dv-rings-test.cc: a NIC of a few dozen lines that reads and writes them byte by byte as the PRM says, with
// offsets of its own, so that a wrong layout in native/rdma cannot hide behind the same mistake here. It believes doorbell records and registers
// only.
#pragma once

#include <endian.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "dv_layout.h"

using Bytes = std::vector<uint8_t>;

inline void put16(uint8_t* at, uint16_t value) { value = htobe16(value); memcpy(at, &value, 2); }
inline void put32(uint8_t* at, uint32_t value) { value = htobe32(value); memcpy(at, &value, 4); }
inline uint16_t get16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
inline uint32_t get32(const uint8_t* at) { return static_cast<uint32_t>(get16(at)) << 16 | get16(at + 2); }
inline uint64_t get64(const uint8_t* at) { return static_cast<uint64_t>(get32(at)) << 32 | get32(at + 4); }

/** Memory that the NIC may reach, and what the driver did wrong. */
struct Bus {
  uint64_t start = 0, end = 0;
  uint32_t lkey = 0x1234;
  std::string fault;
  void blame(const std::string& what) { if (fault.empty()) fault = what; }
  uint8_t* at(uint64_t address, uint64_t length, uint32_t key) {
    if (key == lkey && address >= start && address + length <= end) return reinterpret_cast<uint8_t*>(address);
    blame("DMA outside the region or with a wrong lkey");
    return nullptr;
  }
};

struct FakeCompletions {
  Bus& bus;
  uint32_t count;
  std::vector<uint8_t> cqes;
  alignas(64) uint32_t record[2] = {};
  alignas(64) uint8_t uar[64] = {};
  uint32_t producer = 0;

  FakeCompletions(Bus& bus, uint32_t count) : bus(bus), count(count), cqes(count * 64) {
    for (uint32_t i = 0; i < count; i++) cqes[i * 64 + 63] = 0xf0; // as libmlx5 leaves them
  }
  DvCompletionRing ring() { return {cqes.data(), count, 64, record, 0x77, uar}; }
  uint8_t* place(uint32_t index) { return &cqes[(index & (count - 1)) * 64]; }
  uint32_t consumer() const { return be32toh(record[0]); }
  void reserve(uint32_t n) {
    if (((producer + n - consumer()) & 0xffffff) > count) bus.blame("CQ overrun: consumer index not updated");
  }
  /** Writes a CQE with `fields` set; the owner bit last. */
  void complete(uint8_t opcode, uint16_t counter, uint32_t byteCount, uint16_t flags = 0, uint8_t syndrome = 0, uint8_t format = 0) {
    reserve(1);
    uint8_t* cqe = place(producer);
    memset(cqe, 0xa5, 63);
    put16(cqe + 28, flags);
    put32(cqe + 44, byteCount);
    cqe[55] = syndrome;
    put16(cqe + 60, counter);
    __atomic_store_n(cqe + 63, static_cast<uint8_t>(opcode << 4 | format << 2 | ((producer / count) & 1)), __ATOMIC_RELEASE);
    producer++;
  }
  /** A compressed session: minis at title + 1, + 8, + 16 …; old bytes stay between. `details` as the format says, `counter` the first one's. */
  void session(const std::vector<uint32_t>& byteCounts, uint16_t flags, const std::vector<uint32_t>& details, uint16_t counter) {
    uint32_t n = static_cast<uint32_t>(byteCounts.size());
    reserve(n);
    for (uint32_t i = 0; i < n; i++) {
      uint8_t* mini = place(producer + (i < 8 ? 1 : i / 8 * 8)) + i % 8 * 8;
      put32(mini, details[i]);
      put32(mini + 4, byteCounts[i]);
    }
    complete(2, counter, n, flags, 0, 3);
    producer += n - 1;
  }
};

struct FakeReceive {
  Bus& bus;
  uint32_t count, stride, segments;
  bool striding;
  std::vector<uint8_t> wqes;
  alignas(64) uint32_t record[2] = {};
  FakeCompletions cq;
  uint16_t consumer = 0;
  uint32_t used = 0; // strides of the current WQE

  FakeReceive(Bus& bus, uint32_t count, uint32_t segments, bool striding)
      : bus(bus), count(count), stride(16), segments(segments), striding(striding), cq(bus, 2 * count * (striding ? segments : 1)) {
    while (stride < 16 * (segments + striding)) stride *= 2;
    wqes.resize(count * stride);
  }
  DvReceiveRing ring(bool checksum = true) {
    return {wqes.data(), count, stride, record, cq.ring(), bus.lkey, striding, segments, checksum};
  }
  uint16_t postedWqes() {
    uint16_t n = static_cast<uint16_t>(be32toh(record[0]) - consumer);
    if (n > count) bus.blame("more WQEs posted than the ring has");
    return n;
  }
  /** Scatters a packet from stride `used` of the current WQE on. */
  void scatter(const Bytes& packet) {
    size_t done = 0;
    for (uint32_t i = used; done < packet.size(); i++) {
      const uint8_t* segment = &wqes[consumer % count * stride + (i + striding) * 16];
      uint32_t room = get32(segment);
      if (i >= segments || room == 0) return bus.blame("packet longer than its WQE");
      size_t here = std::min<size_t>(room, packet.size() - done);
      if (uint8_t* to = bus.at(get64(segment + 8), here, get32(segment + 4))) memcpy(to, packet.data() + done, here);
      done += here;
    }
  }
  struct Told { uint32_t byteCount, counter; };
  /** Puts a packet into memory and adds what its CQE tells, and that of a filler before it; false: no WQE, it is lost. */
  bool take(const Bytes& packet, std::vector<Told>& told) {
    if (postedWqes() == 0) return false;
    uint32_t length = static_cast<uint32_t>(packet.size()), strides = (length + 2047) / 2048;
    if (striding && used + strides > segments) {
      told.push_back({1u << 31 | (segments - used) << 16 | 60, used}); // what a filler has as length means nothing
      used = 0;
      consumer++;
      if (postedWqes() == 0) return false;
    }
    scatter(packet);
    if (striding) told.push_back({strides << 16 | length, used});
    else told.push_back({length, consumer});
    used += strides;
    if (!striding || used == segments) {
      used = 0;
      consumer++;
    }
    return true;
  }
  bool deliver(const Bytes& packet, uint16_t flags = 0) {
    std::vector<Told> told;
    bool taken = take(packet, told);
    for (const Told& t : told) cq.complete(2, static_cast<uint16_t>(t.counter), t.byteCount, flags);
    return taken;
  }
  /** The same for many, as one compressed session. */
  void deliverCompressed(const std::vector<Bytes>& packets, uint16_t flags = 0) {
    std::vector<Told> told;
    for (const Bytes& packet : packets) take(packet, told);
    std::vector<uint32_t> byteCounts, details;
    for (const Told& t : told) {
      byteCounts.push_back(t.byteCount);
      details.push_back(striding ? 0xbeef0000 | t.counter : 0xdead0000 | byteCounts.size()); // checksum and stride index, or hash
    }
    cq.session(byteCounts, flags, details, static_cast<uint16_t>(told[0].counter));
  }
};

struct Sent {
  Bytes bytes;
  uint8_t opcode, checksumFlags;
  uint16_t mss, inlined;
  uint32_t units;
};

struct FakeSend {
  Bus& bus;
  uint32_t count, qpn = 0x5005;
  std::vector<uint8_t> wqes;
  alignas(64) uint32_t record[2] = {};
  alignas(64) uint8_t blueFlame[512] = {};
  FakeCompletions cq;
  uint16_t consumer = 0;
  uint32_t rings[2] = {}, wholeWqes = 0, cqesWanted = 0, wqesDone = 0;
  uint32_t failAt = UINT32_MAX; // this WQE of all fails
  bool dead = false;
  std::vector<Sent> sent;

  FakeSend(Bus& bus, uint32_t count) : bus(bus), count(count), wqes(count * 64), cq(bus, 2 * count) {}
  DvSendRing ring(uint32_t inlineHeader = 18, uint32_t tsoMax = 65536) {
    return {wqes.data(), count, record, blueFlame, 256, qpn, cq.ring(), bus.lkey, inlineHeader, tsoMax};
  }
  uint8_t* unit(uint32_t i) { return &wqes[(consumer * 4u + i) % (count * 4) * 16]; }

  /** Looks at the register; only if it was written, at the record; up to there, at the WQEs. `alone`: it was written once since. */
  void poll(bool alone = false) {
    for (uint32_t half = 0; half < 2; half++) {
      uint8_t* reg = blueFlame + half * 256;
      if (get64(reg) == 0) continue;
      rings[half]++;
      uint16_t index = static_cast<uint16_t>(get32(reg) >> 8), posted = static_cast<uint16_t>(be32toh(record[1]));
      if (memcmp(reg, &wqes[index % count * 64], 8) != 0) bus.blame("the register got something else than the last WQE");
      if (alone && get64(reg + 8)) {
        wholeWqes++;
        if (memcmp(reg, &wqes[index % count * 64], 64) != 0) bus.blame("BlueFlame got another WQE");
      }
      memset(reg, 0, 64);
      if (static_cast<uint16_t>(posted - consumer) > count) bus.blame("send record ahead of the ring");
      while (consumer != posted && !dead) execute();
    }
  }
  void execute() {
    uint32_t word = get32(unit(0)), qpnUnits = get32(unit(0) + 4);
    Sent packet{{}, static_cast<uint8_t>(word), unit(1)[4], get16(unit(1) + 6), get16(unit(1) + 12), qpnUnits & 0x3f};
    if (word >> 24 != 0 || (word >> 8 & 0xffff) != consumer || qpnUnits >> 8 != qpn || packet.units < 3 || packet.units > 60) {
      bus.blame("wrong control segment");
      dead = true;
      return;
    }
    if (failAt == wqesDone) {
      dead = true;
      return cq.complete(13, consumer, 0, 0, 4);
    }
    for (uint32_t i = 0; i < packet.inlined; i++) packet.bytes.push_back(i < 2 ? unit(1)[14 + i] : unit(2 + (i - 2) / 16)[(i - 2) % 16]);
    for (uint32_t i = packet.inlined > 2 ? 2 + (packet.inlined - 2 + 15) / 16 : 2; i < packet.units; i++) {
      uint32_t length = get32(unit(i));
      const uint8_t* from = bus.at(get64(unit(i) + 8), length, get32(unit(i) + 4));
      if (length == 0) bus.blame("empty data segment");
      else if (from) packet.bytes.insert(packet.bytes.end(), from, from + length);
    }
    if ((unit(0)[11] & 0xc) == 8) {
      cqesWanted++;
      cq.complete(0, consumer, 0);
    }
    wqesDone++;
    consumer = static_cast<uint16_t>(consumer + (packet.units + 3) / 4);
    sent.push_back(std::move(packet));
  }
};
