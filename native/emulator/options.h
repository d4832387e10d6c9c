// The devices that WEFT_EMULATOR asks for.
//
//   WEFT_EMULATOR="wire=netdev:veth0,mac=02:00:00:00:00:01;wire=pair:2;wire=pair:1,model=cx6dx"
//
//   wire=netdev:IF | pair:N | generator:PPS[:SIZE] | sink   (pair: with the device of that index; PPS 0: as many as the driver takes)
//   mac=  model=  mtu=  speed= (Mbit/s)  netdev= (the Linux interface that shares the port, where the wire is none)
//   vf=1  trust=1  striding=0  cqe-compression=0  access=none (opening its uverbs node is refused)  stepped=1 (see step.h)
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "objects.h"

namespace emulator {

constexpr size_t MAX_DEVICES = 8;

/** A ConnectX generation: PCI device ids of the physical and the virtual function, firmware version, board. */
struct Model {
  const char* name;
  uint16_t physical;
  uint16_t virtualFunction;
  uint32_t firmware[3];
  const char* board;
};

const Model& modelOf(const Device& device);

/** log2 of the fewest strides of a striding queue's WQE: ConnectX-4 and 4 Lx do not have the extended range (mlx5_ifc.h, ext_stride_num_range). */
uint32_t leastLogStrides(const Device& device);

/** Throws std::invalid_argument with one line that says what is wrong. */
std::vector<std::unique_ptr<Device>> parseOptions(const std::string& text);

} // namespace emulator
