;; Spins before anything is called: in the start function of a module, two components deep.
(component
  (component $inner
    (core module $code
      (func $spin (loop $again (br $again)))
      (start $spin)
      (func (export "f")))
    (core instance $i (instantiate $code))
    (func (export "f") (canon lift (core func $i "f"))))
  (instance $in (instantiate $inner))
  (export "f" (func $in "f")))
