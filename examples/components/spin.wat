;; A tool that never returns: what a limit is for.
(component
  (core module $m
    (func (export "forever") (loop $again (br $again))))
  (core instance $i (instantiate $m))
  (func (export "forever") (canon lift (core func $i "forever"))))
