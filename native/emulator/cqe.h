// Completion queue entries. PRM "Completion Queue Entry"; struct mlx5_cqe64 and mlx5_err_cqe of mlx5dv.h.
#pragma once

#include <array>
#include <cstdint>

#include "objects.h"

namespace emulator {

//  byte  0: tunnel     2: wqe id (striding)   12: RSS hash   16: hash type   20: checksum of what follows the Ethernet header
//       28: 0 L2 ok, 1 L3 ok, 2 L4 ok         29: 0 VLAN taken off, 1 IP options, 3:2 L3 type, 6:4 L4 type, 7 fragment
//       30: VLAN tag  32: user index (24 bits)  44: byte count  48: timestamp  55: syndrome of an error
//       56: opcode of the send WQE : 8, QP number or flow tag : 24
//       60: WQE counter  62: signature  63: opcode : 4, format : 2, solicited : 1, owner : 1
using Cqe = std::array<uint8_t, 64>;

enum : uint32_t {
  CQE_WQE_ID = 2,
  CQE_HASH = 12,
  CQE_HASH_TYPE = 16,
  CQE_CHECKSUM = 20,
  CQE_OK = 28,
  CQE_HEADERS = 29,
  CQE_VLAN = 30,
  CQE_USER_INDEX = 32,
  CQE_BYTE_COUNT = 44,
  CQE_TIMESTAMP = 48,
  CQE_SYNDROME = 55,
  CQE_QPN = 56,
  CQE_COUNTER = 60,
  CQE_OPCODE = 63,
};

enum CqeOpcode : uint8_t { CQE_REQUEST = 0, CQE_RECEIVED = 2, CQE_REQUEST_ERROR = 13, CQE_RECEIVE_ERROR = 14 };
constexpr uint8_t CQE_COMPRESSED = 3 << 2; // format
constexpr uint32_t BYTE_COUNT_FILLER = 1u << 31; // striding: these strides hold no packet

enum Syndrome : uint8_t { SYNDROME_LENGTH = 1, SYNDROME_OPERATION = 2, SYNDROME_PROTECTION = 4, SYNDROME_FLUSH = 5 };

/** An entry with what all kinds have: opcode, user index, QP number or tag, WQE counter, time. */
Cqe makeCqe(CqeOpcode opcode, uint32_t userIndex, uint32_t qpnAndOpcode, uint16_t counter);
Cqe makeErrorCqe(CqeOpcode opcode, uint32_t userIndex, uint32_t qpnAndOpcode, uint16_t counter, Syndrome syndrome);

/** Writes an entry, or keeps it for a compressed run, which is written when an entry of another kind comes or the round ends. */
void complete(Device& device, CompletionQueue& cq, const Cqe& cqe);
void finishSession(Device& device, CompletionQueue& cq);

/** Looks at the arm words of the CQs whose register was rung. */
void takeArms(Device& device);

} // namespace emulator
