//! dscp-mark: writes a DSCP (RFC 2474) into the IPv4 packets to a prefix, and brings their header's checksum up to date.
//!
//!   rustc --edition 2021 --target wasm32-unknown-unknown --crate-type cdylib -C opt-level=3 -C panic=abort -C target-cpu=mvp \
//!     -C lto -C strip=symbols -C link-arg=--import-memory assembly/examples/rust/dscp-mark.rs -o assembly/examples/rust/dscp-mark.wasm
//!
//!   node load assembly/examples/rust/dscp-mark.wasm as dscp-mark config {"dscp":46,"destination":"192.0.2.0/24"}
//!   node insert dscp-mark after ip4-input

#![no_std]

const MANIFEST: &[u8] = br#"{
  "contract": 1,
  "nodes": [{
    "name": "dscp-mark",
    "process": "dscp_mark",
    "next": ["error-drop", "continue"],
    "counters": ["marked", "not a whole IPv4 header"],
    "config": {
      "type": "object",
      "properties": {
        "dscp": { "type": "integer", "maximum": 63 },
        "destination": { "type": "string", "format": "ipv4-prefix", "default": "0.0.0.0/0" }
      },
      "required": ["dscp"]
    }
  }]
}"#;

#[used]
#[link_section = "weft"]
static SECTION: [u8; MANIFEST.len()] = {
    let mut bytes = [0; MANIFEST.len()];
    let mut i = 0;
    while i < bytes.len() {
        bytes[i] = MANIFEST[i];
        i += 1;
    }
    bytes
};

const NEXT_DROP: u16 = 0;
const NEXT_CONTINUE: u16 = 1;
const MARKED: usize = 0;
const NO_HEADER: usize = 1;

// Of the contract (CONTRACT.md)
const FRAME_NEXT: usize = 1024;
const NODE_CONFIG: usize = 48;
const NODE_COUNTERS: usize = 64;
const BUFFER_SHIFT: u32 = 6;
const B_DATA: usize = 0;
const B_LENGTH: usize = 2;

// Of the configuration, in the order of its properties
const CONFIG_DSCP: usize = 0;
const CONFIG_ADDRESS: usize = 4;
const CONFIG_MASK: usize = 8;

// IPv4 header (RFC 791, 3.1)
const TYPE_OF_SERVICE: usize = 1;
const CHECKSUM: usize = 10;
const DESTINATION: usize = 16;
const HEADER_SIZE: u16 = 20;

/// # Safety
/// Called by weft, with what the contract promises.
#[no_mangle]
pub unsafe extern "C" fn dscp_mark(node: *mut u8, frame: *mut u8, n: u32) {
    let config = load::<u32>(node, NODE_CONFIG) as *const u8;
    for i in 0..n as usize {
        let buffer = (load::<u32>(frame, i * 4) << BUFFER_SHIFT) as *const u8;
        store::<u16>(frame, FRAME_NEXT + i * 2, mark(node, buffer, config));
    }
}

unsafe fn mark(node: *mut u8, buffer: *const u8, config: *const u8) -> u16 {
    let header = buffer.add(load::<u16>(buffer, B_DATA) as usize) as *mut u8;
    if load::<u16>(buffer, B_LENGTH) < HEADER_SIZE || *header >> 4 != 4 {
        count(node, NO_HEADER);
        return NEXT_DROP;
    }
    let inside = load::<u32>(header, DESTINATION) & load::<u32>(config, CONFIG_MASK);
    if inside != load::<u32>(config, CONFIG_ADDRESS) {
        return NEXT_CONTINUE;
    }
    let before = load::<u16>(header, 0);
    // The DSCP is the upper six bits; the lower two are congestion's (RFC 3168, 5).
    let service = *header.add(TYPE_OF_SERVICE);
    *header.add(TYPE_OF_SERVICE) = (load::<u32>(config, CONFIG_DSCP) << 2) as u8 | service & 3;
    let checksum = updated(load::<u16>(header, CHECKSUM), before, load::<u16>(header, 0));
    store::<u16>(header, CHECKSUM, checksum);
    count(node, MARKED);
    NEXT_CONTINUE
}

/// The checksum after one 16-bit word under it has changed: RFC 1624, equation 3.
fn updated(checksum: u16, before: u16, after: u16) -> u16 {
    let sum = !checksum as u32 + !before as u32 + after as u32;
    let sum = (sum & 0xffff) + (sum >> 16);
    !((sum & 0xffff) + (sum >> 16)) as u16
}

unsafe fn count(node: *mut u8, counter: usize) {
    let at = NODE_COUNTERS + counter * 8;
    store::<u64>(node, at, load::<u64>(node, at) + 1);
}

unsafe fn load<T>(at: *const u8, offset: usize) -> T {
    at.add(offset).cast::<T>().read_unaligned()
}

unsafe fn store<T>(at: *mut u8, offset: usize, value: T) {
    at.add(offset).cast::<T>().write_unaligned(value)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
