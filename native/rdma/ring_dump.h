// Rings as text, in the form of the kernel's print_hex_dump(), so that they compare with what mlx5_core writes to its log.
#pragma once

#include <cstdint>
#include <string>

/** The entries before and from `index` on, a handful each; their place in the ring's memory begins each line. */
std::string dumpAround(const uint8_t* ring, uint32_t count, uint32_t size, uint32_t index);
