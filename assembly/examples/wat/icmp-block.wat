;; icmp-block: drops ICMP, lets everything else go on. As small as a node can be.
;;
;;   npx wat2wasm --enable-annotations assembly/examples/wat/icmp-block.wat -o assembly/examples/wat/icmp-block.wasm
;;
;;   node load assembly/examples/wat/icmp-block.wasm as icmp-block
;;   node insert icmp-block after ip4-input on tap0

(module
  (@custom "weft" "{ \"contract\": 1, \"nodes\": [{"
    " \"name\": \"icmp-block\", \"process\": \"process\","
    " \"next\": [\"error-drop\", \"continue\"],"
    " \"counters\": [\"ICMP\"] }] }")

  (import "env" "memory" (memory 0))

  (func (export "process") (param $node i32) (param $frame i32) (param $n i32)
    (local $next i32) (local $buffer i32) (local $slot i32)
    ;; the frame begins with the indices of n buffers, four bytes each; their next slots, two bytes each, begin at 1024
    (local.set $next (i32.add (local.get $frame) (i32.const 1024)))
    (loop $each
      ;; a buffer lies at its index times 64, and says at 0 where its packet begins: at the IPv4 header, after ip4-input
      (local.set $buffer (i32.shl (i32.load (local.get $frame)) (i32.const 6)))

      ;; protocol 1 is ICMP; slot 0 is error-drop, 1 continue
      (local.set $slot (i32.ne
        (i32.load8_u offset=9 (i32.add (local.get $buffer) (i32.load16_u (local.get $buffer))))
        (i32.const 1)))
      (i32.store16 (local.get $next) (local.get $slot))

      ;; counter 0
      (i64.store offset=64 (local.get $node)
        (i64.add (i64.load offset=64 (local.get $node)) (i64.extend_i32_u (i32.eqz (local.get $slot)))))

      (local.set $frame (i32.add (local.get $frame) (i32.const 4)))
      (local.set $next (i32.add (local.get $next) (i32.const 2)))
      (br_if $each (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
