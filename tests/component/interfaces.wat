;; Functions within interfaces: `add` in two of them, `sub` in one.
(component
  (core module $m
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "sub") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
  (func $sub (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "sub")))
  (instance $basic (export "add" (func $add)) (export "sub" (func $sub)))
  (instance $other (export "add" (func $add)))
  (export "example:math/basic@1.0.0" (instance $basic))
  (export "example:math/other@1.0.0" (instance $other)))
