-- The tests of own_normal.lua: run them with `pharosd test`.

test.case("three times what is usual is slow, until it has become usual", function(t)
  t:load("own_normal.lua")
  local took = 0.04
  t:stub("http", function() return { total = took } end)
  for _ = 1, 30 do t:equal(t:run("page").status, "ok") end
  took = 0.1
  t:equal(t:run("page").status, "ok", "less than three times")
  took = 0.2
  local slow = t:run("page")
  t:equal(slow.status, "warning")
  t:equal(slow.detail, "usually 0.0400 s")
  for _ = 1, 100 do slow = t:run("page") end
  t:equal(slow.status, "ok", "most of what is known")
end)
