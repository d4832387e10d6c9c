// A native peer of weft as bench/peers.ts runs it: it has the same packets, takes turns with the others on the same processor, and shows
// what it sent. For C and C++.
//
// Its first argument is a folder, where `packets` holds for each frame its length (u32) and its bytes. On standard output it says first what
// came of all of them: {"sent": hash}. Then each line "SIZE SAMPLES" on standard input asks for clocks a packet in vectors of SIZE.

#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEER_VECTOR = 256, PEER_NODES_MAX = 8, PEER_SAMPLES_MAX = 10000 };

struct Peer {
  uint32_t nodes;
  const char *names[PEER_NODES_MAX];
  /** Writes a frame where the packet at a place of the next vector lies. */
  void (*put)(uint32_t place, const uint8_t *bytes, uint32_t length);
  /** Takes the first n packets through; adds what each node took to clocks[]. */
  void (*turn)(uint32_t n, uint64_t *clocks);
  /** The frame that was sent from a place. */
  const uint8_t *(*sent)(uint32_t place, uint32_t *length);
};

/** Ends the program with a line about why. */
static inline void peerFail(const char *what, const char *where) {
  fprintf(stderr, "%s: %s\n", where, what);
  exit(1);
}

/** The contents of a file of the folder, which ends with a zero byte more. */
static inline uint8_t *peerFile(const char *folder, const char *name, size_t *size) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) peerFail("cannot be read", path);
  *size = (size_t)ftell(file);
  rewind(file);
  uint8_t *bytes = (uint8_t *)malloc(*size + 1);
  if (!bytes || fread(bytes, 1, *size, file) != *size) peerFail("cannot be read", path);
  bytes[*size] = 0;
  fclose(file);
  return bytes;
}

struct PeerFrames { uint8_t *bytes; size_t size, next; };

/** Puts the n frames that come next where the next vector is taken from, after the last the first again, unless `once`; gives how many. */
static inline uint32_t peerFill(const struct Peer *peer, struct PeerFrames *frames, uint32_t n, int once) {
  for (uint32_t place = 0; place < n; place++) {
    if (frames->next == frames->size) {
      frames->next = 0;
      if (once) return place;
    }
    uint32_t length;
    memcpy(&length, frames->bytes + frames->next, sizeof length);
    peer->put(place, frames->bytes + frames->next + sizeof length, length);
    frames->next += sizeof length + length;
  }
  return n;
}

/** FNV-1a over all frames that are sent, in order (Fowler, Noll, Vo). */
static inline uint32_t peerHash(const struct Peer *peer, struct PeerFrames *frames) {
  uint32_t hash = 2166136261u, n = PEER_VECTOR, length;
  uint64_t clocks[PEER_NODES_MAX];
  while (n == PEER_VECTOR && (n = peerFill(peer, frames, PEER_VECTOR, 1)) > 0) {
    peer->turn(n, clocks);
    for (uint32_t place = 0; place < n; place++) {
      const uint8_t *bytes = peer->sent(place, &length);
      for (uint32_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 16777619u;
    }
  }
  frames->next = 0;
  return hash;
}

static inline int peerCompare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/** One line of JSON: for each node the median clocks a packet over samples of PEER_VECTOR packets each. */
static inline void peerMeasure(const struct Peer *peer, struct PeerFrames *frames, uint32_t size, uint32_t samples) {
  static uint64_t all[PEER_NODES_MAX][PEER_SAMPLES_MAX];
  for (uint32_t sample = 0; sample < samples; sample++) {
    uint64_t clocks[PEER_NODES_MAX] = {0};
    for (uint32_t done = 0; done < PEER_VECTOR; done += size) {
      peerFill(peer, frames, size, 0);
      peer->turn(size, clocks);
    }
    for (uint32_t node = 0; node < peer->nodes; node++) all[node][sample] = clocks[node];
  }
  for (uint32_t node = 0; node < peer->nodes; node++) {
    qsort(all[node], samples, sizeof all[node][0], peerCompare);
    printf("%s\"%s\": %.4f", node == 0 ? "{" : ", ", peer->names[node], (double)all[node][samples / 2] / PEER_VECTOR);
  }
  printf("}\n");
}

/** Serves standard input to its end. */
static inline void peerServe(const struct Peer *peer, const char *folder) {
  struct PeerFrames frames;
  frames.bytes = peerFile(folder, "packets", &frames.size);
  frames.next = 0;
  printf("{\"sent\": %u}\n", peerHash(peer, &frames));
  fflush(stdout);
  uint32_t size, samples;
  while (scanf("%u %u", &size, &samples) == 2) {
    if (size == 0 || PEER_VECTOR % size != 0) peerFail("not a vector size", "standard input");
    if (samples == 0 || samples > PEER_SAMPLES_MAX) peerFail("not a number of samples", "standard input");
    peerMeasure(peer, &frames, size, samples);
    fflush(stdout);
  }
}
