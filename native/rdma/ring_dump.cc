#include "ring_dump.h"

#include <algorithm>
#include <cstdio>

constexpr uint32_t SHOWN = 8; // entries on each side
constexpr uint32_t LINE = 16; // bytes, of which an entry has whole lines

std::string dumpAround(const uint8_t* ring, uint32_t count, uint32_t size, uint32_t index) {
  std::string text;
  char number[12];
  uint32_t shown = std::min(2 * SHOWN, count);
  for (uint32_t i = 0; i < shown * size; i++) {
    uint32_t at = ((index - shown / 2 + i / size) & (count - 1)) * size + i % size;
    if (i % LINE == 0) text.append(number, snprintf(number, sizeof number, "%08x:", at));
    text.append(number, snprintf(number, sizeof number, " %02x", ring[at]));
    if (i % LINE == LINE - 1) text += '\n';
  }
  return text;
}
