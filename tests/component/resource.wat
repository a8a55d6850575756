;; A function that returns a resource, and one that takes it.
(component
  (type $counter' (resource (rep i32)))
  (export $counter "counter" (type $counter'))
  (core func $new (canon resource.new $counter'))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (func (export "make") (result i32) (call $new (i32.const 7)))
    (func (export "take") (param i32)))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
  (func (export "make") (result (own $counter)) (canon lift (core func $i "make")))
  (func (export "take") (param "counter" (borrow $counter)) (canon lift (core func $i "take"))))
