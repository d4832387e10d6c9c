// What a port is plugged into.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "objects.h"

namespace emulator {

using FrameHandler = std::function<void(const uint8_t* frame, uint32_t length)>;

/** Frames as a cable carries them: no FCS, checksums complete, nothing longer than its sender's MTU. Used by the NIC thread alone. */
class Wire {
 public:
  virtual ~Wire() = default;
  /** Hands over about `max` of the frames that have come; how many. */
  virtual uint32_t receive(uint32_t max, const FrameHandler& handler) = 0;
  /** Sends a copy, at the latest with the next finish(). */
  virtual void transmit(const uint8_t* frame, uint32_t length) = 0;
  virtual void finish() {}
  /** Readable when frames have come; -1: nothing to wait for. */
  virtual int descriptor() const { return -1; }
  virtual bool carrier() { return true; }
};

/** Opens what device.wireSpec names; null with `error` (one line) if it cannot be. */
std::shared_ptr<Wire> openWire(Device& device, std::string& error);

std::shared_ptr<Wire> openNetdev(const std::string& name, std::string& error);
std::shared_ptr<Wire> openPair(uint32_t own, uint32_t other);
/** pps 0: as many as the driver takes. */
std::shared_ptr<Wire> openGenerator(const std::array<uint8_t, 6>& destination, uint64_t pps, uint32_t size);
std::shared_ptr<Wire> openSink();

} // namespace emulator
