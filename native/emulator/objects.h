// What a modelled ConnectX is made of: the objects that the uverbs commands create and that its NIC side works on.
//
// The command side (commands_*.cc) creates, modifies and destroys them; the NIC side (nic.cc and below) reads rings and writes
// completions. Both hold Device::lock while they touch any of this, so a destroy never meets a ring that is being worked on.
// Rings, doorbell records and packet memory belong to the driver: they are only pointers here, and nothing is believed of
// their contents (a WQE's lkey and range are looked up, an index is masked).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace emulator {

struct Context;
struct Device;

struct ProtectionDomain {
  uint32_t pdn;
  uint32_t uses = 0;
};

struct MemoryRegion {
  uint32_t lkey;
  uint32_t pdn;
  uint64_t start; // the driver's address; in this process, so also where the bytes are
  uint64_t length;
  uint64_t iova;
  uint32_t access; // IB_UVERBS_ACCESS_*
};

/** Where the driver reads 8-byte ib_uverbs_comp_event_desc; see events.h. */
class EventChannel;
using CompletionChannel = EventChannel;

enum class MiniFormat : uint8_t { hash, checksum, checksumStride };

struct CompletionQueue {
  uint32_t cqn;
  uint64_t userHandle; // goes into events
  std::shared_ptr<CompletionChannel> channel; // null: no events
  uint8_t* buffer;
  uint32_t entries; // a power of two
  uint32_t entrySize; // 64 or 128
  uint32_t* doorbell; // big-endian: [0] consumer index (24 bits), [1] arm: sequence << 28 | solicited << 24 | consumer index
  bool compress;
  MiniFormat miniFormat;
  bool ignoreOverrun;
  uint32_t uarPage; // the page whose arm register is rung for it, see armRegister()
  uint32_t eventsDelivered = 0; // reported when it is destroyed
  uint32_t asyncEventsDelivered = 0;
  uint32_t uses = 0; // queues that complete here

  // the NIC side's own
  uint32_t producer = 0;
  uint32_t lastArm = UINT32_MAX; // what [1] held when it was last honoured; no arm word is all ones
  bool armed = false;
  bool armSolicited = false;
  std::vector<std::array<uint8_t, 64>> session; // alike completions that will be written as one compressed run
  uint64_t written = 0; // for the fault `drop-completions`
  bool overrun = false;
};

/**
 * Of a QP: as IBV_QPS_* (init, ready = RTR, readyToSend = RTS). A receive queue works while it is `ready`, a send queue while it is
 * `readyToSend`; both keep what was posted in every other state.
 */
enum class QueueState : uint8_t { reset, init, ready, readyToSend, error };

/** A receive ring: a WQ of its own, or the receive half of a raw packet QP. */
struct ReceiveQueue {
  uint32_t number; // RQN
  uint32_t pdn;
  uint32_t userIndex; // CQE v1: srqn_uidx; with CQE v0 the QP number is what completions carry
  uint64_t userHandle;
  std::shared_ptr<CompletionQueue> cq;
  QueueState state = QueueState::reset;
  uint8_t* buffer;
  uint32_t* doorbell; // big-endian: [0] how many WQEs the driver has posted, ever (16 bits)
  uint32_t count; // WQEs, a power of two
  uint32_t logStride; // log2 of a WQE's bytes in the ring
  bool striding = false;
  uint32_t logStrideBytes = 0;
  uint32_t logStridesPerWqe = 0;
  bool twoByteShift = false;
  bool scatterFcs = false;
  bool stripVlan = false;
  bool signatureSegment = false; // each WQE begins with a 16-byte signature
  uint32_t uses = 0; // QPs and indirection tables that point here
  uint32_t asyncEventsDelivered = 0;

  // the NIC side's own
  uint16_t consumer = 0; // WQEs used up, ever
  uint32_t stride = 0; // strides of the current WQE that are used up
};

struct SendQueue {
  uint32_t number; // SQN; a raw packet QP has the number of its send queue
  uint32_t pdn;
  uint32_t transportDomain = 0; // of its context, see QueuePair
  uint32_t userIndex; // CQE v1: srqn_uidx
  uint64_t userHandle; // of its QP
  std::shared_ptr<CompletionQueue> cq;
  QueueState state = QueueState::reset;
  uint8_t* buffer;
  uint32_t* doorbell; // big-endian: [1] WQE basic blocks posted, ever (16 bits); the second word of the QP's record
  uint32_t count; // basic blocks of 64 bytes, a power of two
  uint32_t uarRegister; // the doorbell register (bfreg) that belongs to it, see uarRegister(); several queues may share one
  bool signalAll = false;

  // the NIC side's own
  uint16_t consumer = 0;
  uint16_t known = 0; // what [1] of the record held when the doorbell was last rung: the NIC looks no further
};

struct IndirectionTable {
  uint32_t number;
  std::vector<std::shared_ptr<ReceiveQueue>> queues; // a power of two
  uint32_t uses = 0;
};

/** RSS: fields as IBV_RX_HASH_* say, function as MLX5_RX_HASH_FUNC_TOEPLITZ (1). */
struct Hash {
  uint8_t function = 0;
  uint64_t fields = 0;
  std::array<uint8_t, 40> key{};
};

/** A raw packet QP (sq, and rq unless it has none), or an RSS QP (table, no sq). */
struct QueuePair {
  uint32_t number; // given out in order of creation: loopback asks whether a receiver is older than a sender of its own transport domain
  uint32_t pdn;
  uint32_t transportDomain = 0; // one for each context
  uint32_t port = 1;
  uint64_t userHandle;
  QueueState state = QueueState::reset;
  std::shared_ptr<SendQueue> sq;
  std::shared_ptr<ReceiveQueue> rq;
  std::shared_ptr<IndirectionTable> table;
  Hash hash;
  bool loopbackUnicast = true; // what other queues of this port send may come back to it (MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_*)
  bool loopbackMulticast = true;
  uint32_t uses = 0; // flows
  uint32_t asyncEventsDelivered = 0;
};

/** One match of a flow: `value` and `mask` are what IBV_FLOW_SPEC_* structs hold, field by field as the wire has them. */
struct FlowSpec {
  uint32_t type; // IBV_FLOW_SPEC_*, with the inner bit
  std::vector<uint8_t> value;
  std::vector<uint8_t> mask;
  bool isAction = false; // tag, drop
};

struct Flow {
  uint32_t handle;
  uint32_t type; // 0 normal, 1 all default, 2 multicast default, 3 sniffer
  uint32_t flags; // IBV_FLOW_ATTR_FLAGS_DONT_TRAP 2, ALLOW_LOOP_BACK 1, EGRESS 4
  uint16_t priority;
  uint64_t sequence; // of its creation: equal priorities are decided by it
  std::vector<FlowSpec> specs;
  std::shared_ptr<QueuePair> qp;
  uint64_t packets = 0;
};

/** What a port's faults are at this moment; set through the control socket or the options, see faults.h. */
struct Faults;
class Wire;

/** One device has one port, as a ConnectX in Ethernet mode has. */
struct Device {
  uint32_t index; // mlx5_<index>, uverbs<index>
  std::string name;
  std::string netdev; // the Linux interface that shares the port
  std::array<uint8_t, 6> mac{};
  std::string model = "cx5"; // see options.cc
  uint16_t deviceId = 0x1017; // PCI
  std::string pciAddress;
  std::string wireSpec; // netdev:IF, pair:N, generator:PPS[:SIZE] or sink; checked by options.cc
  bool virtualFunction = false;
  bool trusted = false; // a virtual function that may use other MAC addresses than its own
  bool accessible = true; // false: opening its uverbs node fails with EACCES
  bool striding = true; // capabilities
  bool compression = true;
  bool stepped = false; // see step.h
  bool inlineHeader = false; // a ConnectX-4 wants the first 18 bytes of a packet in the WQE
  uint32_t mtu = 9978;
  uint32_t speedMbits = 100000;
  bool linkUp = true;
  bool fatal = false;

  std::recursive_mutex lock;
  std::atomic<uint32_t> commandsWaiting{0}; // commands that want the lock; the NIC thread, which takes it all the time, stands back for them
  std::vector<Context*> contexts;
  std::shared_ptr<Wire> wire; // the NIC side's own; startNic() opens it as wireSpec says
  std::shared_ptr<Faults> faults; // the NIC side's own

  // Numbers are unique in a device, as handles are in a context.
  std::map<uint32_t, std::shared_ptr<MemoryRegion>> regions; // by lkey
  std::map<uint32_t, std::shared_ptr<SendQueue>> sends; // by number
  std::map<uint32_t, std::shared_ptr<ReceiveQueue>> receives;
  std::map<uint32_t, std::shared_ptr<QueuePair>> queuePairs;
  std::map<uint32_t, std::shared_ptr<CompletionQueue>> completions;
  std::map<uint64_t, std::shared_ptr<Flow>> flows; // by sequence

  // What a real device counts, shown under hw_counters/ and counters/ and by the control socket.
  std::atomic<uint64_t> rxPackets{0}, rxBytes{0}, txPackets{0}, txBytes{0}, rxNoFlow{0}, rxNoWqe{0}, rxErrors{0}, txErrors{0}, cqOverruns{0};

  // What the driver did against the rules, for the control socket (NIC side).
  uint64_t violations = 0;
  std::string lastViolation;
};

/** All devices of this process, made from the options when the library is loaded. */
std::vector<std::unique_ptr<Device>>& devices();

/** CQE timestamps count nanoseconds of CLOCK_MONOTONIC. */
constexpr uint64_t CORE_CLOCK_KHZ = 1000000;
constexpr uint64_t TIMESTAMP_MASK = 0x7fffffffffffffff;

// What the command side calls on the NIC side; the device's lock is held.

/** The device's first context starts its part of the NIC thread; the last one's end stops it. */
void startNic(Device& device);
void stopNic(Device& device);
/** A queue went to the error state: its outstanding WQEs are to be completed with WR_FLUSH_ERR. */
void flush(Device& device, SendQueue& queue);
void flush(Device& device, ReceiveQueue& queue);
/** A queue was reset: it begins at WQE 0 again. */
void rewind(SendQueue& queue);
void rewind(ReceiveQueue& queue);
/** A fault of faults.h, 0 switches it off; false: there is no fault of this name. */
bool setFault(Device& device, const std::string& name, uint64_t value);

// What the NIC side calls on the command side; the device's lock is held.

/** Writes an event to the completion channel of `cq`; nothing where it has none. */
void postCompletionEvent(CompletionQueue& cq);
/**
 * Writes an asynchronous event (IBV_EVENT_*). `element` is the user handle of the CQ, QP or WQ it is about, or the port number: then every
 * context of the device gets it.
 */
void postAsyncEvent(Device& device, uint32_t event, uint64_t element);
/**
 * Where a doorbell register (SendQueue::uarRegister) is in this process; the NIC side exchanges its 8 bytes with 0. A register has two
 * halves (0, 1) that drivers use in turn. Null once its context is closed.
 */
volatile uint64_t* uarRegister(Device& device, uint32_t index, uint32_t half);
/** The register that is rung after a CQ was armed in its doorbell record (CompletionQueue::uarPage): all CQs on that page may be meant. */
volatile uint64_t* armRegister(Device& device, uint32_t page);
/** Sets the link: asynchronous event PORT_ACTIVE (9) or PORT_ERR (10). */
void setLink(Device& device, bool up);
/** DEVICE_FATAL (8): from now on commands fail with EIO, but for those that destroy, and the rings stand still. */
void setFatal(Device& device);

} // namespace emulator
