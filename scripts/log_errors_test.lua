-- The tests of log_errors.lua: run them with `pharosd test`.

-- A log with that many bytes, and what is read of it.
local function log(t, size, tail)
  t:stub("file", function() return { size = size } end)
  t:stub("exec", function(request) return { stdout = tail(request.argv) } end)
end

test.case("only what is new counts", function(t)
  t:load("log_errors.lua")
  log(t, 1000)
  t:equal(t:run("new_errors").value, "0", "what was there before the first look is old")
  log(t, 1040, function(argv)
    t:equal(argv[3], "+1001")
    return "all is well\nan ERROR, and another error\n"
  end)
  t:equal(t:run("new_errors").status, "warning")
end)

test.case("a log that begins anew is new from its start", function(t)
  t:load("log_errors.lua")
  log(t, 1000)
  t:run("new_errors")
  log(t, 30, function(argv)
    t:equal(argv[3], "+1")
    return "an error in the new file\n"
  end)
  t:equal(t:run("new_errors").value, "1")
end)
