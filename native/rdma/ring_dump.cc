#include "ring_dump.h"

#include <algorithm>
#include <cstdio>

constexpr uint32_t SHOWN = 8; // entries on each side
constexpr uint32_t LINE = 16;

static void appendHex(std::string& text, const uint8_t* ring, uint32_t from, uint32_t bytes) {
  char number[12];
  for (uint32_t at = from; at < from + bytes; at++) {
    if ((at - from) % LINE == 0) {
      snprintf(number, sizeof number, "%08x:", at);
      text += number;
    }
    snprintf(number, sizeof number, " %02x", ring[at]);
    text += number;
    if ((at - from) % LINE == LINE - 1) text += '\n';
  }
}

std::string dumpAround(const uint8_t* ring, uint32_t count, uint32_t size, uint32_t index) {
  std::string text;
  uint32_t shown = std::min(2 * SHOWN, count);
  for (uint32_t i = 0; i < shown; i++) {
    appendHex(text, ring, ((index - shown / 2 + i) & (count - 1)) * size, size);
  }
  return text;
}
