// What a ConnectX reads and writes in memory: work queue entries, completion queue entries, doorbell records and registers.
// Facts from the PRM ("Adapters Programmer's Reference Manual", 8.8 and 8.9: WQE, 8.19: CQE) and rdma-core's providers/mlx5/mlx5dv.h.
#pragma once

#include <endian.h>
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

// The rings as mlx5dv_init_obj(3) names them.

struct DvCompletionRing {
  uint8_t* cqes;
  uint32_t count; // a power of two
  uint32_t cqeSize; // 64: asked for when the CQ is created
  uint32_t* doorbell; // record: [0] consumer index, [1] arm
  uint32_t cqn;
  uint8_t* uar; // page of the register that arms
};

struct DvReceiveRing {
  uint8_t* wqes;
  uint32_t count; // WQEs, a power of two
  uint32_t stride; // bytes of a WQE in the ring
  uint32_t* doorbell; // record: [0] is ours
  DvCompletionRing cq;
  uint32_t lkey; // of the buffer pool
  bool striding;
  uint32_t segments; // buffers of a WQE; striding: its strides
  bool useChecksum;
};

struct DvSendRing {
  uint8_t* wqes;
  uint32_t count; // basic blocks, a power of two
  uint32_t* doorbell; // record: [1] is ours
  uint8_t* blueFlame;
  uint32_t blueFlameSize; // bytes of one of the register's two buffers; 0: it has none, or other queues use it too
  uint32_t qpn;
  DvCompletionRing cq;
  uint32_t lkey;
  uint32_t inlineHeader; // bytes the device wants inside the WQE: 18, or 0
  uint32_t tsoMax; // payload of the longest super-packet, 0: no TSO
};

/** An integer as the NIC stores it. Only through a conversion does it become one of ours, so no byte order can be forgotten. */
template <typename T, T (*swap)(T)> struct BigEndian {
  T raw;
  operator T() const { return swap(raw); }
  void operator=(T value) { raw = swap(value); }
};
inline uint16_t swapped16(uint16_t value) { return htobe16(value); }
inline uint32_t swapped32(uint32_t value) { return htobe32(value); }
inline uint64_t swapped64(uint64_t value) { return htobe64(value); }
using Be16 = BigEndian<uint16_t, swapped16>;
using Be32 = BigEndian<uint32_t, swapped32>;
using Be64 = BigEndian<uint64_t, swapped64>;

// Send WQE: control segment, Ethernet segment, data segments, in units of 16 bytes; it takes whole basic blocks of 64 bytes and may
// run over the end of the ring.
//
//   0 ............... 15   16 ........................ 31   32 ........... 47   48 ........ 63
//   +---------------------+----------------------------+-------------------+--------------+
//   | control             | Ethernet: flags, mss,      | inline header     | data segment |
//   |                     | first 2 bytes of the header| bytes 2 … 17      | …            |
//   +---------------------+----------------------------+-------------------+--------------+
//                           without an inline header the data segments begin at 32
constexpr uint32_t WQE_UNIT = 16;
constexpr uint32_t WQE_BLOCK = 64;
constexpr uint32_t UNITS_PER_BLOCK = WQE_BLOCK / WQE_UNIT;
/** The length field has 6 bits; devices take 15 basic blocks. */
constexpr uint32_t WQE_UNITS_MAX = 60;

struct ControlSegment {
  Be32 indexOpcode; // index of the WQE's first block << 8 | opcode
  Be32 qpnUnits; // QPN << 8 | units of the WQE
  uint8_t signature, streamId[2], flags;
  Be32 immediate;
};
static_assert(sizeof(ControlSegment) == WQE_UNIT && offsetof(ControlSegment, flags) == 11, "mlx5_wqe_ctrl_seg");
constexpr uint32_t OPCODE_SEND = 0x0a;
constexpr uint32_t OPCODE_TSO = 0x0e;
constexpr uint8_t CONTROL_WANT_CQE = 2 << 2;

constexpr uint32_t ETHERNET_INLINE = 2; // header bytes inside the segment
struct EthernetSegment {
  uint32_t reserved0;
  uint8_t checksumFlags, reserved5;
  Be16 mss;
  uint32_t reserved8;
  Be16 inlineLength;
  uint8_t inlineStart[ETHERNET_INLINE];
};
static_assert(sizeof(EthernetSegment) == WQE_UNIT && offsetof(EthernetSegment, inlineLength) == 12, "mlx5_wqe_eth_seg");
constexpr uint8_t CHECKSUM_L3 = 1 << 6;
constexpr uint8_t CHECKSUM_L4 = 1 << 7;

struct DataSegment {
  Be32 length; // 0 would mean 2 GiB
  Be32 lkey;
  Be64 address;
};
static_assert(sizeof(DataSegment) == WQE_UNIT, "mlx5_wqe_data_seg");
/** In a receive WQE that is not full: the segment after the last. */
constexpr uint32_t LKEY_END = 0x100;

// CQE. An error CQE has the syndrome where others have a timestamp.
//
//   0 .... 27   28      29      30 ... 43   44 ...... 47   48 ......... 54   55        56 .. 59   60 ...... 61   62    63
//   +---------+-------+-------+-----------+--------------+-----------------+----------+---------+--------------+-----+------------+
//   | …       | good  | types | …         | byte count   | …               | syndrome | …       | WQE counter  | …   | opcode 7:4 |
//   |         | 2:0   |       |           |              |                 |          |         |              |     | format 3:2 |
//   +---------+-------+-------+-----------+--------------+-----------------+----------+---------+--------------+-----+ owner 0 ---+
struct Cqe {
  uint8_t reserved0[2];
  Be16 wqeId; // striding: the WQE, whose stride is wqeCounter
  uint8_t reserved4[24];
  uint8_t good, types;
  uint8_t reserved30[14];
  Be32 byteCount; // compressed: how many mini CQEs
  uint8_t reserved48[7], syndrome;
  uint8_t reserved56[4];
  Be16 wqeCounter;
  uint8_t signature, opOwn;
};
static_assert(sizeof(Cqe) == 64 && offsetof(Cqe, good) == 28 && offsetof(Cqe, byteCount) == 44, "mlx5_cqe64");
static_assert(offsetof(Cqe, syndrome) == 55 && offsetof(Cqe, wqeCounter) == 60 && offsetof(Cqe, opOwn) == 63, "mlx5_cqe64");

constexpr uint8_t CQE_OWNER = 1;
constexpr uint8_t CQE_SEND_DONE = 0;
constexpr uint8_t CQE_RECEIVED = 2;
constexpr uint8_t CQE_SEND_ERROR = 13;
constexpr uint8_t CQE_RECEIVE_ERROR = 14;
constexpr uint8_t CQE_INVALID = 15;
constexpr uint8_t CQE_COMPRESSED = 3; // format
constexpr uint8_t SYNDROME_LOCAL_LENGTH = 1;

constexpr uint8_t CQE_L3_GOOD = 1 << 1; // in `good`
constexpr uint8_t CQE_L4_GOOD = 1 << 2;
// In `types`: IP fragment 7, L4 6:4, L3 3:2
constexpr uint8_t CQE_FRAGMENT = 1 << 7;
constexpr uint8_t CQE_L4_MASK = 7 << 4; // 0: neither TCP nor UDP
constexpr uint8_t CQE_L3_MASK = 3 << 2;
constexpr uint8_t CQE_L3_IPV4 = 2 << 2;

// The byte count of a striding receive queue
constexpr uint32_t STRIDING_FILLER = 1u << 31; // no packet: the rest of a WQE that was too short for one
constexpr uint32_t STRIDING_STRIDES_SHIFT = 16;
constexpr uint32_t STRIDING_STRIDES_MASK = 0x3fff;
constexpr uint32_t STRIDING_LENGTH_MASK = 0xffff;

/** What a compressed session has in place of a CQE; `detail` is an RSS hash, or checksum << 16 | stride index, as the CQ was created. */
struct MiniCqe {
  Be32 detail;
  Be32 byteCount;
};
constexpr uint32_t MINIS_PER_CQE = 8;
static_assert(sizeof(MiniCqe) * MINIS_PER_CQE == sizeof(Cqe), "mlx5_mini_cqe8");

/** What one CQE, or one mini CQE with its title, tells. */
struct Completion {
  uint8_t opcode;
  uint8_t syndrome; // of an error
  uint8_t good, types; // CQE_L3_GOOD …, CQE_L4_MASK …
  uint16_t wqeCounter; // the WQE, or the stride of a striding queue
  uint32_t byteCount;
};

// Doorbell records are two big-endian words in memory, which the NIC reads when it likes or when a register is written.
constexpr uint32_t RECORD_RECEIVE = 0, RECORD_SEND = 1; // of a QP or WQ: 16-bit counters
constexpr uint32_t RECORD_CONSUMER = 0, RECORD_ARM = 1; // of a CQ
constexpr uint32_t CONSUMER_MASK = 0xffffff;
constexpr uint32_t ARM_SEQUENCE_SHIFT = 28;
constexpr uint32_t UAR_ARM = 0x20;

/**
 * The NIC must find everything written before (WQEs, owner bits) when it sees the record. x86 keeps stores to ordinary memory in order,
 * so it is the compiler that has to be told: a release store.
 */
inline void storeRecord(uint32_t* record, uint32_t value) { __atomic_store_n(record, htobe32(value), __ATOMIC_RELEASE); }

/**
 * Registers are write-combining memory. Stores there are not ordered with others: the fence before makes WQE and record visible first.
 * And they may linger in the CPU: the fence after sends them off, in the order of the rings.
 */
inline void storeRegister(uint8_t* reg, const void* from, uint32_t bytes) {
  _mm_sfence();
  for (uint32_t i = 0; i < bytes; i += 8) {
    uint64_t word;
    memcpy(&word, static_cast<const uint8_t*>(from) + i, sizeof word);
    *reinterpret_cast<volatile uint64_t*>(reg + i) = word;
  }
  _mm_sfence();
}

/** A CQE's last byte tells whose it is; nothing else of the CQE may be read before it, which x86 does for loads by itself. */
inline uint8_t loadOwner(const Cqe& cqe) { return __atomic_load_n(&cqe.opOwn, __ATOMIC_ACQUIRE); }
