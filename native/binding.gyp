{
  "targets": [
    {
      "target_name": "weft",
      "sources": [
        "addon.cc",
        "af_packet.cc",
        "af_packet_receive.cc",
        "af_packet_transmit.cc",
        "clock.cc",
        "memory.cc",
        "ports.cc",
        "rdma/device.cc",
        "rdma/dv_completion.cc",
        "rdma/dv_receive.cc",
        "rdma/dv_transmit.cc",
        "rdma/event_loop.cc",
        "rdma/flows.cc",
        "rdma/ibv.cc",
        "rdma/library.cc",
        "rdma/netdev.cc",
        "rdma/outgoing.cc",
        "rdma/queues.cc",
        "rdma/rdma_bursts.cc",
        "rdma/rdma_calls.cc",
        "rdma/rdma_port.cc",
        "rdma/ring_dump.cc",
        "rdma/rings.cc",
        "wait.cc",
        "worker_memory.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "../build"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags": ["-O2", "-Wall", "-Wextra"]
    },
    {
      "target_name": "weft-emulator",
      "type": "shared_library", # not a module of Node's: native/build/Release/weft-emulator.so
      "product_dir": "<(PRODUCT_DIR)",
      "sources": ["<!@(ls emulator/*.cc)"],
      "defines!": ["_FILE_OFFSET_BITS=64"], # with it stat() is stat64(): both are defined there
      "cflags": ["-O2", "-Wall", "-Wextra", "-pthread", "-fvisibility=hidden"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
      "libraries": ["-pthread", "-ldl"]
    }
  ]
}
