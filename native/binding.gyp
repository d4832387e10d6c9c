{
  "targets": [
    {
      "target_name": "weft",
      "sources": ["<!@(ls *.cc rdma/*.cc)"],
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
