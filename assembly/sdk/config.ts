// A node's configuration: values at the offsets that its declaration's order gives them (CONTRACT.md, "Configuration").
// It is read-only and stays as it is while process() runs.

import { NODE_CONFIG, NODE_CONFIG_SIZE } from "../abi";

/** Address of the node's configuration; 0: its declaration has no schema. */
// @ts-ignore: decorator
@inline
export function config(node: usize): usize { return <usize>load<u32>(node, NODE_CONFIG); }

// @ts-ignore: decorator
@inline
export function configSize(node: usize): u32 { return load<u32>(node, NODE_CONFIG_SIZE); }

/** An integer; also a boolean (0 or 1), an enum's place, an interface's index, an IPv4 address (raw). */
// @ts-ignore: decorator
@inline
export function configU32(node: usize, offset: usize): u32 { return load<u32>(config(node) + offset); }

// @ts-ignore: decorator
@inline
export function configU64(node: usize, offset: usize): u64 { return load<u64>(config(node) + offset); }

/** Address of an array's first item; it may be read only where configCount is not 0. */
// @ts-ignore: decorator
@inline
export function configItems(node: usize, offset: usize): usize { return <usize>load<u32>(config(node) + offset); }

/** Items of an array. */
// @ts-ignore: decorator
@inline
export function configCount(node: usize, offset: usize): u32 { return load<u32>(config(node) + offset, 4); }

/** Whether an address (raw) lies in the prefix at `at`, in the configuration or in an item. */
// @ts-ignore: decorator
@inline
export function inPrefix(address: u32, at: usize): bool { return (address & load<u32>(at, 4)) == load<u32>(at); }

/** The MAC address at `at`, in the configuration or in an item: its six bytes as the low 48 bits of a number, the first one lowest. */
// @ts-ignore: decorator
@inline
export function configMac(at: usize): u64 { return load<u64>(at); }
