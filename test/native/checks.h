// What a test program's checks are written with. It prints "ok NAME" or "not ok NAME: why" for each.
#pragma once

#include <cstdio>
#include <functional>
#include <string>

/** The first condition of a check that did not hold; "": none so far. */
inline std::string why;
inline bool failed = false;

inline void check(bool holds, const char* condition, int line) {
  if (!holds && why.empty()) why = std::string(condition) + ", line " + std::to_string(line);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

inline void run(const char* name, const std::function<void()>& test) {
  why.clear();
  test();
  if (why.empty()) printf("ok %s\n", name);
  else printf("not ok %s: %s\n", name, why.c_str());
  fflush(stdout);
  failed |= !why.empty();
}
