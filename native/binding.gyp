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
        "wait.cc",
        "worker_memory.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "../build"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags": ["-O2", "-Wall", "-Wextra"]
    }
  ]
}
