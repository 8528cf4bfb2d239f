-- The tests of kernel_log.lua: run them with `pharosd test`.

test.case("a killed program is red for ten minutes", function(t)
  t:load("kernel_log.lua")
  t:equal(t:feed("kernel", "eth0: link up"), nil, "no verdict")
  t:equal(t:quiet("kernel").value, "quiet")
  local result = t:feed("kernel", "Out of memory: Killed process 4711 (java)")
  t:equal({ result.status, result.value }, { "critical", "oom" })
  t:match(result.detail, "4711")
  t:equal(t:feed("kernel", "eth0: link down"), nil, "no verdict: it stays red")
  t:equal(t:quiet("kernel").status, "ok")
end)

test.case("the journal may be another host's", function(t)
  t:load("kernel_log.lua", { env = { HOST = "web-1" } })
  t:equal(t:feed("kernel", "java[1]: segfault at 0").status, "warning")
end)
