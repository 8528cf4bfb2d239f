---@meta pharos

-- The script API of Pharos. Editors with the Lua language server complete and
-- check from this file; everything a script can call is in it.
--
-- Units     Plain numbers are seconds; text carries units: "250ms", "2s",
--           "1m30s", "2h", "3d". Sizes are bytes.
-- Failure   What could not be done gives nil and an error (pharos.Error). An HTTP
--           status of 500 or an exit code of 2 is data, not an error. A mistake in
--           a call (an unknown option, a wrong type) raises at the caller's line. So
--           does reading a field that what a primitive gave does not have; one that
--           may be missing (marked "?") is nil. Once something was set in it, or all of
--           it was walked over, it is a table like any other.
-- Loading   A file declares when it is loaded, within 5 s, and does nothing: what
--           reaches out (exec, http, ssh, tcp, tls, dns, ping, nagios, time.sleep,
--           file.stat, file.newest, status) raises there. json, env, secret, time, log and
--           file.read work.
-- Vantage   ssh_host = "web-3" on exec, nagios, http, tcp, tls and dns looks from
--           that host, over one kept connection. If it cannot be reached the result
--           is unknown, not critical. A watcher may look from a list of hosts.
-- Events    A watcher has a check, which is run at its interval, or events, which
--           come by themselves: pharos.exec.stream, http.sse, tcp.lines, file.tail.
-- Sharing   Watchers of one file share its locals. Between two primitives a
--           function runs undisturbed; across a primitive others may run. self is
--           the watcher's own: it has one run at a time.

--- The line beside the product's name; default "Keeps watch...". At most 200 bytes.
---@type string
page_tag = nil

--- The watchers of the unnamed set, which comes first. `{}` is an empty board. It is
--- read when the file has loaded; to set it later is an error.
---
---```lua
---metric_watchers = {
---  pharos.CommandMetricWatcher{ name = "Is True?", command = "true" },
---  pharos.PageGETMetricWatcher{ name = "Front page", url = "http://127.0.0.1/", thresholds = { 0.001, 0.100, 1.0 } },
---}
---```
---@type pharos.MetricWatcher[]
metric_watchers = nil

--- The named sets, one section of the board each.
---
---```lua
---page_tag = "Keeps watch..."
---metric_watcher_sets = {
---  pharos.WatcherSet("Watch Set 1", {
---    pharos.CommandMetricWatcher{ name = "Is False?", command = "false", interval = "5s" },
---  }),
---}
---```
---@type pharos.WatcherSet[]
metric_watcher_sets = nil

--- Everything that scripts have; also require("pharos").
---@class pharos
---@field url string? the daemon's own address; nil where nothing is served: `pharosd check`, `once`, `test` and `repl`
pharos = {}

--- A length of time.
---@alias pharos.Duration number|string seconds, or text with units: "250ms", "2s", "1m30s", "3d"; at most 366 days

--- What a run comes to; a tile is "pending" before its first.
---@alias pharos.Status "ok"|"warning"|"critical"|"unknown"

--- Why something could not be done: the second of nil, err. tostring(err) is the
--- message. Returned from check, or raised again (assert(pharos.http.get(url))), it
--- makes the run critical, by its kind:
--- - timeout: the other side took too long
--- - dns: the name does not resolve, or not to an address of that family
--- - refused: nobody listens there
--- - reset: the connection broke
--- - tls: the handshake or the certificate
--- - proto: the answer is not what it should be
--- - toobig: it is more than the limit
--- - redirects: more of them than allowed
--- - missing: there is no such file
--- - ended: a stream ended by itself
---
--- or unknown, where the kind says nothing of the watched thing:
--- - auth: credentials that the host to look from, a proxy or a file wants
--- - spawn: the command could not be started
--- - vantage: the host to look from, or the proxy, could not be reached
--- - overload: Pharos or its machine has too much to do; any primitive may say so
--- - cancelled: Pharos stops, or the watcher changed; any primitive may say so
---
---```lua
---local page, err = pharos.http.get("http://127.0.0.1/")
---if not page then
---  if err.kind == "timeout" and err.phase == "wait" then return "warning", "slow", tostring(err) end
---  return nil, err
---end
---return page.timing.total
---```
---@class pharos.Error
---@field kind "timeout"|"dns"|"refused"|"reset"|"tls"|"proto"|"toobig"|"redirects"|"missing"|"ended"|"auth"|"spawn"|"vantage"|"overload"|"cancelled"
---@field phase string? of a timed request, the first of pharos.Timing in which it failed: "connect", "wait"
---@field timing pharos.Timing? what was measured until it failed
---@field message string what tostring gives

--- Where the time of a request went, in seconds. The first seven are disjoint and
--- sum to total; the time_ fields are curl's, cumulative. What did not happen is 0.
---
---```lua
---local t = assert(pharos.http.get("http://127.0.0.1/")).timing
---return t.wait, ("connected after %.4f s, all in %.4f s"):format(t.time_connect, t.total)
---```
---@class pharos.Timing
---@field blocked number waiting for leave to connect
---@field dns number resolving the name
---@field connect number TCP handshake
---@field tls number TLS handshake
---@field send number writing the request
---@field wait number from the request sent to the first byte of the answer
---@field receive number first byte to last
---@field total number all of it, redirects included
---@field first_byte number from the start to the first byte
---@field time_namelookup number
---@field time_connect number
---@field time_appconnect number 0 without TLS
---@field time_pretransfer number
---@field time_starttransfer number
---@field time_redirect number all hops before the last
---@field time_total number

-- Classes -------------------------------------------------------------------

--- The ground of every class. Calling a class with one table of options makes that
--- table an instance; an option hides the field or method of its name. An option
--- must be declared in the table `options` of the class (its Lua types, divided by
--- "|"), or be a field of it; any other raises at the caller's line. A class may have
--- any field; one that nothing reads and that is almost called as an option or a
--- method is warned of when the file loads.
---
---```lua
---local Counter = pharos.Class:extend{ class_name = "Counter", options = { step = "number" }, step = 1 }
---function Counter:init() self.count = 0 end -- called on a new instance
---function Counter:add() self.count = self.count + self.step return self.count end
---return Counter{ step = 5 }:add()
---```
---@class pharos.Class
---@field class_name string? what messages call it; inherited
---@field options table<string, string>? the options it adds, with their Lua types
---@field super pharos.Class? the class that it extends
---@field source string? of an instance: "file:line" where it was made
pharos.Class = {}

--- A class with everything of this one, and the given fields. A table among them is one
--- for all instances: what each is to fill for itself is made in init, or in check by
--- self.seen = self.seen or {}.
---
---```lua
---local Disk = pharos.CommandMetricWatcher:extend{ command = "df -P /", limit = 90 }
---function Disk:handle_output(output)
---  local percent = tonumber(output:match("(%d+)%%"))
---  if percent >= self.limit then return self:critical(percent) end
---  return self:ok(percent)
---end
---metric_watchers = { Disk{ name = "disk", limit = 95 } }
---```
---@generic T
---@param self T
---@param fields? table
---@return T|table the new class
function pharos.Class:extend(fields) end

--- One tile. Give it a function check, or extend it. Its options are read when the file
--- loads: of what a run sets in self only thresholds count.
---
---```lua
---metric_watchers = {
---  pharos.MetricWatcher{
---    name = "queue", interval = "1s", thresholds = { warn = 10, crit = 100 }, unit = "jobs",
---    check = function(self)
---      local page, err = pharos.http.get("http://127.0.0.1/queue")
---      if not page then return nil, err end
---      return tonumber(page.body)
---    end,
---  },
---}
---```
---@class pharos.MetricWatcher : pharos.Class
---@overload fun(options: pharos.MetricWatcher): pharos.MetricWatcher
---@field name string what the tile says, at most 200 bytes; needed
---@field id string? what others call it, and addresses; default: set and name in lower case, "watch_set_1.is_true", without other symbols but for "-" between digits, "fleet.10-0-0-7"
---@field interval pharos.Duration? from the start of a run to the next; default 2 s, at least 50 ms
---@field timeout pharos.Duration? the longest that a run may take; default the interval, or 10 s if that is shorter
---@field ttl pharos.Duration? after which the last result is stale; default 3 x interval + timeout; with events, after which the last event is: default never
---@field events pharos.Events? instead of check and interval: what a stream brings sets the status
---@field thresholds pharos.Thresholds? they judge a number; a check may set self.thresholds, for the hours of the day say
---@field quiet boolean|pharos.Duration? with events: true makes the tile ok, "quiet", from a second after the stream is open to the first verdict; "10m" that, and again ten minutes after the last verdict. It has no ttl then
---@field unit string? shown small behind a value that is a number, or reads as one; default "s" where that is how long the last timed primitive took
---@field link string? an http or https URL that the tile leads to
---@field ssh_host string|string[]? where to look from: the classes do, a check of your own hands self.ssh_host to its primitives. Of a list the watcher runs from each host at once, at most 16, with a cell of the tile for each (see pharos.here)
---@field merge string? what many vantages come to: "worst" (default), "best" or pharos.quorum(n)
---@field needs string|string[]? ids or patterns ("wan", "core.*"): while one of them is critical or unknown, this watcher is in its shadow: it runs on, dim, and is no problem; nor is it one before their first run has ended
---@field confirm integer|{ [1]: integer, of: integer? }? how often a change of status must be seen before the tile shows it, so that a retry has a say: 2 in a row, { 2, of = 3 } of the last three runs; default 1, at most 60. The first result after a start or an edit, the end of a stream and the first event after it are shown at once
---@field steps number|string[]? how many steps a journey has, at most 64, or their names in order; default: as many as the last one that went well
---@field status string? read only: the status of the run before, "pending" before the first
---@field duration number? read only: for how long it has had that status, in seconds
---@field last_updated number? read only: when the run before ended, in Unix seconds. This, status, duration and state are there where a file of the script names them: pairs(self) shows no others
---@field verdict table? read only: what ok, warning, critical or unknown recorded in this run
pharos.MetricWatcher = {}

--- What a watcher remembers: plain data, at most 64 KiB as JSON, kept over reloads,
--- and over restarts with `--state`. Keys are text, or 1 to n.
---
---```lua
---metric_watchers = {
---  pharos.MetricWatcher{ name = "record", check = function(self)
---    local total = assert(pharos.http.get("http://127.0.0.1/")).timing.total
---    self.state.worst = math.max(self.state.worst or 0, total)
---    return total, ("%.4f s at most"):format(self.state.worst)
---  end },
---}
---```
---@type table
pharos.MetricWatcher.state = nil

--- How a number is judged. At or beyond crit is critical, at or beyond warn a
--- warning, at or below min a warning too (too fast is suspicious). They are a list of
--- all three, { min, warn, crit }, or have names, { warn = 1, crit = 3 }, and then any
--- may be left out. If crit is below warn the judgement turns round, min too: days
--- left, free disk. Write such ones by name: a list that turns round is warned of, for
--- it may be in the wrong order; so is that no number is ok. For values that are
--- seconds they may be times, { warn = "200ms", crit = "1s" }.
---
---```lua
---metric_watchers = {
---  pharos.MetricWatcher{ name = "free memory", unit = "%", thresholds = { warn = 20, crit = 5 }, check = function()
---    local info = assert(pharos.file.read("/proc/meminfo"))
---    return 100 * tonumber(info:match("MemAvailable:%s+(%d+)")) / tonumber(info:match("MemTotal:%s+(%d+)"))
---  end },
---}
---```
---@alias pharos.Thresholds { [1]: number|string, [2]: number|string, [3]: number|string }|{ min: number|string|nil, warn: number|string|nil, crit: number|string|nil }

--- What a run does. It may return
--- - a status, and a value and detail: `return "warning", 7, "seven waiting"`; the detail
---   may be a pharos.Error, unless the status is ok
--- - a number, and detail: the thresholds judge it; without them it is ok
--- - a boolean, and detail: true is ok, false critical
--- - a table: `{ status =, value =, unit =, detail =, link =, again = }`; without status the thresholds judge the value
--- - nil and an error: critical or unknown, see pharos.Error
--- - what self:ok, warning, critical or unknown gives, and detail: `return self:ok(7), "seven waiting"`
--- - nothing, if one of these was called
--- - "pending", as pharos.status gives it: no verdict yet, the tile stays as it is
---
--- Behind any of these `{ again = "200ms" }` asks for the next run so
--- long after the start of this one, at least 50 ms and never past the interval:
--- trouble in slow motion. The run after it is on the grid of the interval again.
---
--- An error that the script raises itself makes the run unknown, with its place.
---
---```lua
---metric_watchers = {
---  pharos.MetricWatcher{ name = "load", thresholds = { warn = 4, crit = 16 }, check = function(self)
---    local loads = assert(pharos.file.read("/proc/loadavg"))
---    return tonumber(loads:match("%S+")), loads
---  end },
---}
---```
---@return pharos.Status|number|boolean|table|nil
---@return any value_or_detail_or_error
---@return string? detail
function pharos.MetricWatcher:check() end

--- One step of a journey, a check that does one thing after the other as a user
--- would. It calls work and returns what that returns. The step fails if work
--- raises, or returns nil and an error, false, or a warning, critical or unknown
--- result: that ends the run and decides it, and the tile shows the step, "3/5
--- pay", or "3 pay" until one journey went well or steps says how many there are.
--- A run whose time ends in a step fails in it.
---
--- Each step's time is a phase of the run. A check that returns nothing after its
--- steps means their total in seconds, which the thresholds judge. Steps come one
--- after the other, at most 64 in a run; one inside another is an error. So is one that
--- the option steps does not name, of which also loading the file warns.
---
---```lua
---metric_watchers = {
---  pharos.MetricWatcher{ name = "shop", interval = "10s", thresholds = { warn = 1, crit = 3 }, check = function(self)
---    local page = self:step("open", function() return pharos.http.get("http://127.0.0.1/") end)
---    self:step("look", function()
---      if page.status ~= 200 then return self:critical(page.status, "no page") end
---    end)
---  end },
---}
---```
---@param name string what the step is called
---@param work function
---@return any ... what work returned
function pharos.MetricWatcher:step(name, work) end

--- What the tile shows of a result. Not called when the run gave nil and an error.
--- A number that is the time of the run's last timed request is shown with four
--- digits.
---
---```lua
---local Percent = pharos.MetricWatcher:extend{}
---function Percent:value(result) return ("%d %%"):format(result.value * 100) end
---metric_watchers = { Percent{ name = "share", check = function() return 0.25 end } }
---```
---@param result { status: pharos.Status, value: any, unit: string?, detail: string?, link: string? }
---@return string|number|boolean|nil
function pharos.MetricWatcher:value(result) end

--- The longer text behind the tile.
---
---```lua
---local Loud = pharos.CommandMetricWatcher:extend{}
---function Loud:detail(result) return (result.detail or ""):upper() end
---metric_watchers = { Loud{ name = "loud", command = "echo hello" } }
---```
---@param result table as of value
---@return string|number|boolean|nil
function pharos.MetricWatcher:detail(result) end

--- Records a result for this run, and returns it. The last one counts, unless check
--- returns something else.
---
---```lua
---local self = pharos.MetricWatcher{ name = "x" }
---self:ok(3, "as it should be")
---```
---@param value? string|number
---@param detail? string
---@param more? { again: pharos.Duration? } as at the end of what check returns
---@return table
function pharos.MetricWatcher:ok(value, detail, more) end

--- As ok.
---
---```lua
---return pharos.MetricWatcher{ name = "x" }:warning("slow", nil, { again = "200ms" })
---```
---@param value? string|number
---@param detail? string
---@param more? { again: pharos.Duration? }
---@return table
function pharos.MetricWatcher:warning(value, detail, more) end

--- As ok.
---
---```lua
---return pharos.MetricWatcher{ name = "x" }:critical("down", "nobody answers")
---```
---@param value? string|number
---@param detail? string
---@param more? { again: pharos.Duration? }
---@return table
function pharos.MetricWatcher:critical(value, detail, more) end

--- As ok: there is no verdict.
---
---```lua
---return pharos.MetricWatcher{ name = "x" }:unknown(nil, "nobody to ask")
---```
---@param value? string|number
---@param detail? string
---@param more? { again: pharos.Duration? }
---@return table
function pharos.MetricWatcher:unknown(value, detail, more) end

--- Runs a command: exit 0 is ok, anything else critical. The value is the exit
--- code, the detail the first line that was printed.
---
---```lua
---metric_watchers = {
---  pharos.CommandMetricWatcher{ name = "Is True?", command = "true" },
---  pharos.CommandMetricWatcher{ name = "mail queue", command = { "mailq" }, interval = "1m", ssh_host = "mail-1" },
---}
---```
---@class pharos.CommandMetricWatcher : pharos.MetricWatcher
---@overload fun(options: pharos.CommandMetricWatcher): pharos.CommandMetricWatcher
---@field command? string|string[]|fun(self): string|string[] text for /bin/sh -c, a list of arguments, or a method that gives one; needed
---@field ssh_host string|string[]? run it there; of a list, on each
---@field stdin string? this and the following as in pharos.ExecOptions
---@field env table<string, string|number|boolean>?
---@field cwd string?
---@field user string?
---@field max_output integer?
---@field kill_after pharos.Duration?
pharos.CommandMetricWatcher = {}

--- How the command is run; pharos.exec by default.
---
---```lua
---local Twice = pharos.CommandMetricWatcher:extend{}
---function Twice:run(command, options)
---  local first = pharos.exec(command, options)
---  if first and first.code == 0 then return first end
---  return pharos.exec(command, options)
---end
---metric_watchers = { Twice{ name = "flaky", command = "true" } }
---```
---@param command string|string[]
---@param options table
---@return pharos.ExecResult?
---@return pharos.Error?
function pharos.CommandMetricWatcher:run(command, options) end

--- Override it to judge what was printed. It runs before the rule of the exit code,
--- and what it decides wins; if it returns nothing, that rule holds. Where that is ok,
--- nil makes it unknown: `return tonumber(output)` of what is no number.
---
---```lua
---metric_watchers = {
---  pharos.CommandMetricWatcher{ name = "users", command = "who", thresholds = { warn = 5, crit = 20 },
---    handle_output = function(self, output, result)
---      return select(2, output:gsub("\n", ""))
---    end },
---}
---```
---@param output string what it printed on its standard output
---@param result pharos.ExecResult
---@return any ... as check
function pharos.CommandMetricWatcher:handle_output(output, result) end

--- Override it to judge the exit code.
---
---```lua
---metric_watchers = {
---  pharos.CommandMetricWatcher{ name = "grep", command = "grep -c ERROR /var/log/app.log",
---    handle_returncode = function(self, code, result)
---      if code == 1 then return self:ok(0, "none found") end
---      return self:critical(result.stdout)
---    end },
---}
---```
---@param code integer -1 if a signal ended the command
---@param result pharos.ExecResult
---@return any ... as check
function pharos.CommandMetricWatcher:handle_returncode(code, result) end

--- Runs a monitoring plugin: exit 0 ok, 1 warning, 2 critical, else unknown. The
--- value is the first item of its performance data, the detail its first line.
---
---```lua
---metric_watchers = {
---  pharos.NagiosMetricWatcher{ name = "load", command = "/usr/lib/nagios/plugins/check_load -w 5 -c 10", interval = "30s" },
---}
---```
---@class pharos.NagiosMetricWatcher : pharos.CommandMetricWatcher
---@overload fun(options: pharos.NagiosMetricWatcher): pharos.NagiosMetricWatcher
pharos.NagiosMetricWatcher = {}

--- Gets a page as a user does, over a fresh connection. Any answer but 200 is
--- critical; the thresholds judge the total time in seconds. The value is the total
--- with four digits, the detail "connect first_byte total (code)" as curl prints
--- them. Without thresholds the code alone decides. handle_output looks for a keyword,
--- or takes other codes for good.
---
---```lua
---metric_watchers = {
---  pharos.PageGETMetricWatcher{ name = "Front page", url = "http://127.0.0.1/", thresholds = { 0.001, 0.100, 1.0 } },
---  pharos.PageGETMetricWatcher{ name = "From web-3", url = "http://127.0.0.1/", ssh_host = "web-3", interval = "5s" },
---}
---```
---@class pharos.PageGETMetricWatcher : pharos.MetricWatcher
---@overload fun(options: pharos.PageGETMetricWatcher): pharos.PageGETMetricWatcher
---@field url? string|fun(self): string or a method that gives it; needed
---@field headers table<string, string|number|boolean|string[]>? this and the following as in pharos.HTTPOptions
---@field redirects integer?
---@field keepalive boolean?
---@field ip 4|6?
---@field resolve table<string, string>?
---@field unix string?
---@field proxy string?
---@field proxy_ca string?
---@field insecure boolean?
---@field ca string?
---@field cert string?
---@field key string?
---@field server_name string?
---@field basic string|string[]?
---@field bearer string?
---@field cookies table<string, string>?
---@field max_body integer?
---@field http "1.1"|"2"?
---@field ssh_host string|string[]? the request leaves from that host; of a list, from each
---@field total number? read only: the total time of the last run, in seconds
pharos.PageGETMetricWatcher = {}

--- Override it to judge what the page says; what it decides wins. If it returns
--- nothing, the rule of the class holds; where that is ok, nil makes it unknown.
---
---```lua
---metric_watchers = {
---  pharos.PageGETMetricWatcher{ name = "shop", url = "http://127.0.0.1/", handle_output = function(self, body, page)
---    if page.status == 200 and not body:find("cart", 1, true) then return self:critical("no cart", body:sub(1, 200)) end
---  end },
---  pharos.PageGETMetricWatcher{ name = "asks who we are", url = "http://127.0.0.1/admin", handle_output = function(self, body, page)
---    if page.status == 401 then return page.timing.total end -- the thresholds judge it
---  end },
---}
---```
---@param body string at most max_body bytes of it
---@param page pharos.Answer
---@return any ... as check
function pharos.PageGETMetricWatcher:handle_output(body, page) end

--- Connects to a port, and if asked to sends and waits for an answer. The value is the
--- total time in seconds, which the thresholds judge.
---
---```lua
---metric_watchers = {
---  pharos.TCPMetricWatcher{ name = "redis", address = "127.0.0.1:6379", send = "PING\r\n", expect = "+PONG" },
---}
---```
---@class pharos.TCPMetricWatcher : pharos.MetricWatcher
---@overload fun(options: pharos.TCPMetricWatcher): pharos.TCPMetricWatcher
---@field address? string|fun(self): string "host:port", the path of a unix socket, or a method that gives one; needed
---@field send string? this and the following as in pharos.TCPOptions
---@field expect string?
---@field lines integer?
---@field tls boolean?
---@field starttls "smtp"|"imap"|"pop3"|"ftp"|"xmpp"|"postgres"?
---@field ip 4|6?
---@field insecure boolean?
---@field ca string?
---@field cert string?
---@field key string?
---@field server_name string?
---@field alpn string[]?
---@field ssh_host string|string[]?
pharos.TCPMetricWatcher = {}

--- Override it to judge what was answered; what it decides wins. If it returns
--- nothing, the rule of the class holds; where that is ok, nil makes it unknown.
---
---```lua
---metric_watchers = {
---  pharos.TCPMetricWatcher{ name = "banner", address = "127.0.0.1:22", lines = 1, handle_output = function(self, output)
---    if not output:find("^SSH%-2") then return self:critical("no ssh", output) end
---  end },
---}
---```
---@param output string what came up to and with expect, then the lines
---@param result pharos.TCPResult
---@return any ... as check
function pharos.TCPMetricWatcher:handle_output(output, result) end

--- How many days the certificates of a server still last: the first to expire of the
--- chain. A chain that is not trusted, or not for that name, is critical. Defaults:
--- interval 60 s, thresholds { warn = 14, crit = 3 }.
---
---```lua
---metric_watchers = {
---  pharos.TLSMetricWatcher{ name = "certificate", address = "127.0.0.1:443", interval = "1h" },
---  pharos.TLSMetricWatcher{ name = "mail", address = "127.0.0.1:587", starttls = "smtp" },
---}
---```
---@class pharos.TLSMetricWatcher : pharos.MetricWatcher
---@overload fun(options: pharos.TLSMetricWatcher): pharos.TLSMetricWatcher
---@field address string? "host:port", or the path of a unix socket; needed
---@field insecure boolean? only the days count, not whether the chain is trusted
---@field starttls "smtp"|"imap"|"pop3"|"ftp"|"xmpp"|"postgres"? this and the following as in pharos.TLSOptions
---@field ip 4|6?
---@field ca string?
---@field cert string?
---@field key string?
---@field server_name string?
---@field alpn string[]?
---@field ssh_host string|string[]?
pharos.TLSMetricWatcher = {}

--- Asks a name server. No such name, no record, and a record that is not as expected
--- are critical. The value is the time in seconds, which the thresholds judge.
---
---```lua
---metric_watchers = {
---  pharos.DNSMetricWatcher{ name = "www", host = "www.example.com", expect = "192.0.2.1", server = "127.0.0.1" },
---}
---```
---@class pharos.DNSMetricWatcher : pharos.MetricWatcher
---@overload fun(options: pharos.DNSMetricWatcher): pharos.DNSMetricWatcher
---@field host string? the name to ask for; needed
---@field expect string|string[]? the data of the only record, or of all, in any order; not empty
---@field type string? this and the following as in pharos.DNSOptions
---@field server string?
---@field tcp boolean?
---@field dnssec boolean?
---@field direct boolean?
---@field ssh_host string|string[]?
pharos.DNSMetricWatcher = {}

--- Pings a host. No answer is critical, a lost one a warning; the thresholds judge
--- the mean time in seconds, which the tile shows in milliseconds. It looks from here
--- only.
---
---```lua
---metric_watchers = {
---  pharos.PingMetricWatcher{ name = "gateway", host = "127.0.0.1", count = 3, thresholds = { warn = 0.05, crit = 0.5 } },
---}
---```
---@class pharos.PingMetricWatcher : pharos.MetricWatcher
---@overload fun(options: pharos.PingMetricWatcher): pharos.PingMetricWatcher
---@field host string? name or address; needed
---@field count integer? this and the following as in pharos.PingOptions
---@field wait pharos.Duration?
---@field size integer?
---@field ip 4|6?
pharos.PingMetricWatcher = {}

--- The age of a file in seconds, or its size in bytes, which the thresholds judge; the
--- tile shows them as "3.2 hours" or "12.0 MB". With * or ? in the last part of its path
--- it is the newest of the files that match, see pharos.file.newest; where one of them is
--- in the name itself, write "what\\?.gz". A missing file is critical. It looks here
--- only. Let a job touch a file when it is done, and this is its heartbeat.
---
---```lua
---metric_watchers = {
---  pharos.FileMetricWatcher{ name = "heartbeat", path = "/run/import.done", thresholds = { warn = "1h", crit = "2h" } },
---  pharos.FileMetricWatcher{ name = "backup", path = "/var/backups/db-*.gz", thresholds = { warn = "26h", crit = "50h" } },
---}
---```
---@class pharos.FileMetricWatcher : pharos.MetricWatcher
---@overload fun(options: pharos.FileMetricWatcher): pharos.FileMetricWatcher
---@field path string? of a file, or "db-*.gz"; relative to the folder of the script; needed
---@field measure "age"|"size"? default "age"
pharos.FileMetricWatcher = {}

--- A named, ordered group of watchers: one section of the board. Sets of one name in
--- several files are put together.
---
--- Instead of a list, a function may find the members while Pharos runs: it is called
--- every interval, under the limits of a check, may reach out, and gives a list of
--- watchers, or nil and an error. A watcher of an id and options that were there
--- before goes on as it is; one that is not found any more leaves the board. If the
--- function fails, or finds nobody, the last members stay, and the set's heading says
--- why. Members beyond limit, and those whose id another watcher has, are left out,
--- and the heading says so; it also tells of a member that needs, or is derived from,
--- a watcher that does not exist.
---
---```lua
---metric_watcher_sets = {
---  pharos.WatcherSet("Hosts", { pharos.CommandMetricWatcher{ name = "web-1", command = "true", ssh_host = "web-1" } }, { needs = "web.*" }),
---  pharos.WatcherSet("Web", function()
---    local answer, err = pharos.dns("web.example.com")
---    if not answer then return nil, err end
---    local watchers = {}
---    for i, address in ipairs(answer.values) do
---      watchers[i] = pharos.PageGETMetricWatcher{ name = address, url = "http://" .. address .. "/" }
---    end
---    return watchers
---  end, { interval = "30s" }),
---}
---```
---@class pharos.WatcherSet : pharos.Class
---@overload fun(name: string, watchers: pharos.MetricWatcher[]|fun(): (pharos.MetricWatcher[]?, pharos.Error?), options?: pharos.DiscoveryOptions): pharos.WatcherSet
---@field name string
---@field watchers pharos.MetricWatcher[]|fun(): pharos.MetricWatcher[]?, pharos.Error?
pharos.WatcherSet = {}

--- What the members of a set need, and how often it looks for them where a function
--- finds them, and how many those may be.
---@class pharos.DiscoveryOptions
---@field interval pharos.Duration? from the start of a discovery to the next; default 30 s, at least 1 s
---@field timeout pharos.Duration? the longest that one may take; default the interval, or 10 s if that is shorter
---@field limit integer? members at most; default 1000, at most 10000
---@field needs string|string[]? of a list, too: what each member needs that has no needs of its own; see pharos.MetricWatcher

-- Primitives ----------------------------------------------------------------

--- How pharos.exec runs a command.
---@class pharos.ExecOptions
---@field timeout pharos.Duration? default and at most what is left of the run
---@field stdin string? default: nothing
---@field env table<string, string|number|boolean>? laid over PATH, HOME, USER, LOGNAME, TZ, and LANG and LC_ALL, which are C.UTF-8; nothing else of the daemon's is passed on. Over ssh it is part of the command line there, which other users may see for a moment: give a secret by stdin
---@field cwd string? the folder that it runs in; default that of the daemon, on a host of ssh_host the home
---@field user string? run it as this user; needs root
---@field max_output integer? bytes kept of each stream, half from the start and half from the end; default 64 KiB, at most 8 MiB
---@field kill_after pharos.Duration? from TERM, which a command gets at its timeout, to KILL; default 50 ms, and at most a second while Pharos stops
---@field ssh_host string? run it there

--- What a command came to.
---@class pharos.ExecResult
---@field code integer exit code, -1 if a signal ended it; 127 and 126 are a shell's own, for what it cannot find or run
---@field signal string? the signal's name, "KILL"
---@field stdout string without escape sequences and control characters
---@field stderr string
---@field elapsed number seconds
---@field truncated boolean whether output was left out

--- Runs a command: pharos.exec(command, options) gives a pharos.ExecResult, its
--- options are pharos.ExecOptions. Text is for /bin/sh -c; a list is run as it is,
--- without a shell. All its processes are ended with the timeout. Errors: timeout,
--- spawn, overload, vantage, auth.
---
---```lua
---local df, err = pharos.exec({ "df", "-P", "/" }, { timeout = "500ms" })
---if not df then return nil, err end
---return tonumber(df.stdout:match("(%d+)%%")), df.stdout
---```
---@class pharos.exec
---@overload fun(command: string|string[], options?: pharos.ExecOptions): pharos.ExecResult?, pharos.Error?
pharos.exec = {}

--- Where the events of a watcher come from: its option `events`. The stream is open
--- for as long as the watcher is what it is, over reloads too. The function is
--- called for each event, one after the other, as a run of its own: with the
--- watcher's timeout (default 2 s), it may call primitives, and returns what check
--- may return. If it returns nothing the status stays as it is; nil, which may be a
--- field that is gone, makes it unknown.
---
--- Before the first verdict the watcher is pending, unless silence is good: see its
--- option quiet, for the log of errors that has none. A stream that ends or cannot be
--- opened makes it unknown, with the reason, and is opened again after 1 s, 2 s, 4 s
--- and so on up to a minute; once it is open the verdict from before stands again.
--- The tile is stale if no event came for ttl: a stream that is quiet is not broken,
--- so there is none by default.
---
--- Events that come faster than the function takes them wait, at most 256 of them or
--- 1 MiB; beyond that the oldest are dropped, which the tile shows. The function gets
--- at most half of a core. The tile changes at most 80 times a second.
---
---```lua
---metric_watchers = {
---  pharos.MetricWatcher{ name = "kernel", ttl = "1h", events = pharos.exec.stream("dmesg -w", function(self, line)
---    if line:find("Out of memory", 1, true) then return "critical", "oom", line end
---    return "ok"
---  end) },
---}
---```
---@class pharos.Events

--- How pharos.exec.stream runs a command.
---@class pharos.StreamOptions
---@field env table<string, string|number|boolean>? this and the following as in pharos.ExecOptions
---@field cwd string?
---@field user string?
---@field kill_after pharos.Duration?
---@field ssh_host string?

--- The lines that a command prints on its standard output, as events of a watcher.
--- Text is for /bin/sh -c; a list is run as it is. All its processes are ended when
--- the watcher goes or is changed. A line has no escape sequences, and at most
--- 64 KiB. A command that ends is started again; see pharos.Events.
---
---```lua
---metric_watchers = {
---  pharos.MetricWatcher{ name = "oom kills", ttl = "5m", events = pharos.exec.stream("journalctl -kf", function(self, line)
---    if line:find("oom") then return "critical", line end
---  end) },
---}
---```
---@param command string|string[]
---@param judge fun(self: pharos.MetricWatcher, line: string): ...
---@param options? pharos.StreamOptions
---@return pharos.Events
function pharos.exec.stream(command, judge, options) end

--- A host to run commands on, with ~/.ssh/config, agent and known_hosts as ssh(1)
--- has them. Commands share one kept connection. Its exec takes what pharos.exec
--- takes, without ssh_host.
---
---```lua
---local host = pharos.ssh("db-1")
---local result, err = host:exec("cat /proc/loadavg", { timeout = "2s" })
---if not result then return nil, err end
---return tonumber(result.stdout:match("%S+"))
---```
---@param host string "host", "user@host", "user@host:port", or a Host of ~/.ssh/config
---@return { host: string, exec: fun(self, command: string|string[], options?: pharos.ExecOptions): pharos.ExecResult?, pharos.Error? }
function pharos.ssh(host) end

--- What a monitoring plugin said.
---@class pharos.NagiosResult : pharos.ExecResult
---@field status pharos.Status of the exit code
---@field text string the first line, without performance data
---@field long string the lines after it
---@field perf { label: string, value: number?, unit: string?, warn: string?, crit: string?, min: number?, max: number? }[] its performance data; a value that is U, not known, is nil

--- Runs a monitoring plugin as pharos.exec does, and takes its output apart.
---
---```lua
---local plugin, err = pharos.nagios("/usr/lib/nagios/plugins/check_load -w 5 -c 10")
---if not plugin then return nil, err end
---return plugin.status, plugin.perf[1] and plugin.perf[1].value, plugin.text
---```
---@param command string|string[]
---@param options? pharos.ExecOptions
---@return pharos.NagiosResult?
---@return pharos.Error?
function pharos.nagios(command, options) end

--- How a request is made.
---@class pharos.HTTPOptions
---@field method string? of pharos.http.request only; default "GET"
---@field headers table<string, string|number|boolean|string[]>? a list is sent as several; false leaves a default one out: User-Agent, Accept
---@field body string?
---@field form table<string, string|number|boolean>? the body, as application/x-www-form-urlencoded
---@field json any? the body, as JSON
---@field timeout pharos.Duration? default and at most what is left of the run
---@field redirects integer? most that are followed; default 0, where a redirect is the answer; at most 50
---@field keepalive boolean? keep the connection for the next run; default false: each request sees DNS, TCP and TLS as a user does
---@field ip 4|6? addresses of this family only; default both
---@field resolve table<string, string>? "host:port" or "host" to an address, which may have a port
---@field unix string? path of a socket to connect to instead
---@field proxy string? http, https or socks5 URL; default none, whatever the environment says. Its 407 is an error of kind auth, never an answer; one that cannot be reached is of kind vantage
---@field proxy_ca string? certificates to trust in an https proxy instead of the system's, as ca. insecure, ca, cert and key are the server's alone, as in curl
---@field insecure boolean? take any certificate
---@field ca string? certificates to trust instead of the system's: in PEM form, or the path of a file with them
---@field cert string? client certificate, likewise
---@field key string? its key, likewise
---@field server_name string? to ask for and to verify, instead of the URL's host
---@field basic string|string[]? user and password: "user:password" or { user, password }
---@field bearer string? token
---@field cookies table<string, string|number|boolean>? by name; an answer's cookies are those to go on with
---@field max_body integer? bytes of body kept; default 64 KiB, at most 64 MiB
---@field http "1.1"|"2"? default: as TLS agrees, else 1.1; with "2" over http:// nobody is asked first
---@field ssh_host string? the request leaves from that host

--- What came back of a request.
---@class pharos.Answer
---@field status integer
---@field headers table<string, string> names in any case; several values joined by ", "
---@field cookies table<string, string> to send next, as the option cookies: those that this request was given, and what this answer and the redirects to it set or took away
---@field body string at most max_body bytes, decoded if it came as gzip
---@field size integer bytes of body before decoding; at most 256 MiB are read, then truncated is set
---@field truncated boolean whether body is not the whole of it
---@field url string of the last hop
---@field redirect_url string? where it would have redirected next
---@field timing pharos.Timing
---@field remote_ip string
---@field http string "1.0", "1.1" or "2"
---@field connects integer new connections made
---@field hops { url: string, status: integer }[] redirects that were followed
---@field tls pharos.TLSInfo? nil without TLS

--- The TLS under a request or a connection, and the server's own certificate.
---@class pharos.TLSInfo
---@field version string "1.3"
---@field cipher string
---@field subject string
---@field issuer string
---@field not_after number when it expires, in Unix seconds
---@field days_left number until then; negative after it
---@field verified boolean whether the chain is trusted and good for the name today; may be false with insecure only
---@field verify_error string? why not

--- Timed requests.
pharos.http = {}

--- Gets a page. A URL without a scheme is an http one. Errors of all of http: timeout,
--- dns, refused, reset, tls, proto, toobig (headers over 64 KiB), redirects, vantage,
--- auth.
---
---```lua
---local page, err = pharos.http.get("http://127.0.0.1/health", { timeout = "800ms", headers = { Accept = "application/json" } })
---if not page then return nil, err end
---if page.status ~= 200 then return "critical", page.status, page.body end
---return page.timing.total
---```
---@param url string
---@param options? pharos.HTTPOptions
---@return pharos.Answer?
---@return pharos.Error?
function pharos.http.get(url, options) end

--- As get, without a body.
---
---```lua
---return assert(pharos.http.head("http://127.0.0.1/big.iso")).headers["content-length"] ~= nil
---```
---@param url string
---@param options? pharos.HTTPOptions
---@return pharos.Answer?
---@return pharos.Error?
function pharos.http.head(url, options) end

--- As get, with the method POST.
---
---```lua
---local answer = assert(pharos.http.post("http://127.0.0.1/login", { form = { user = "canary", password = "x" } }))
---return answer.status == 302, answer.redirect_url
---```
---@param url string
---@param options? pharos.HTTPOptions
---@return pharos.Answer?
---@return pharos.Error?
function pharos.http.post(url, options) end

--- As get, with the method PUT.
---
---```lua
---return assert(pharos.http.put("http://127.0.0.1/canary", { body = "alive" })).status < 300
---```
---@param url string
---@param options? pharos.HTTPOptions
---@return pharos.Answer?
---@return pharos.Error?
function pharos.http.put(url, options) end

--- As get, with the method PATCH.
---
---```lua
---return assert(pharos.http.patch("http://127.0.0.1/canary", { json = { seen = true } })).status < 300
---```
---@param url string
---@param options? pharos.HTTPOptions
---@return pharos.Answer?
---@return pharos.Error?
function pharos.http.patch(url, options) end

--- As get, with the method DELETE.
---
---```lua
---return assert(pharos.http.delete("http://127.0.0.1/canary")).status < 300
---```
---@param url string
---@param options? pharos.HTTPOptions
---@return pharos.Answer?
---@return pharos.Error?
function pharos.http.delete(url, options) end

--- Any method.
---
---```lua
---return assert(pharos.http.request("http://127.0.0.1/", { method = "OPTIONS" })).status == 200
---```
---@param url string
---@param options? pharos.HTTPOptions
---@return pharos.Answer?
---@return pharos.Error?
function pharos.http.request(url, options) end

--- How pharos.http.sse connects.
---@class pharos.SSEOptions
---@field timeout pharos.Duration? of each connecting, up to the answer; default 10 s
---@field redirects integer? most that are followed; default 5
---@field headers table<string, string|number|boolean|string[]>? this and the following as in pharos.HTTPOptions
---@field ip 4|6?
---@field resolve table<string, string>?
---@field unix string?
---@field proxy string?
---@field proxy_ca string?
---@field insecure boolean?
---@field ca string?
---@field cert string?
---@field key string?
---@field server_name string?
---@field basic string|string[]?
---@field bearer string?
---@field cookies table<string, string|number|boolean>?
---@field http "1.1"|"2"?
---@field ssh_host string?

--- Server-sent events, by the HTML standard, as events of a watcher. An event is a
--- table { event, data, id }, its event "message" unless the server says otherwise,
--- its data at most 64 KiB. When the server ends the stream it is asked again, with
--- the last id, after the time that the server wishes for (default 3 s). An answer
--- that is not 200 and text/event-stream is an error; see pharos.Events.
---
---```lua
---metric_watchers = {
---  pharos.MetricWatcher{ name = "deploys", events = pharos.http.sse("http://127.0.0.1/events", function(self, e)
---    if e.event == "failed" then return "critical", "failed", e.data end
---    if e.event == "done" then return "ok", pharos.json.decode(e.data).version end
---  end, { bearer = pharos.env("DEPLOY_TOKEN") }) },
---}
---```
---@param url string
---@param judge fun(self: pharos.MetricWatcher, event: { event: string, data: string, id: string }): ...
---@param options? pharos.SSEOptions
---@return pharos.Events
function pharos.http.sse(url, judge, options) end

--- How pharos.tcp connects.
---@class pharos.TCPOptions
---@field timeout pharos.Duration? default and at most what is left of the run
---@field send string? of pharos.tcp only: sent first
---@field expect string? of pharos.tcp only: then read up to and with this, at most 1 MiB
---@field lines integer? of pharos.tcp only: then read so many lines, at most 10,000 of 64 KiB each
---@field tls boolean? speak TLS from the start
---@field starttls "smtp"|"imap"|"pop3"|"ftp"|"xmpp"|"postgres"? or from within
---@field ip 4|6? addresses of this family only; default both
---@field insecure boolean? take any certificate
---@field ca string? certificates to trust instead of the system's: in PEM form, or the path of a file with them
---@field cert string? client certificate, likewise
---@field key string? its key, likewise
---@field server_name string? to ask for and to verify, instead of the address's host
---@field alpn string[]? protocols to offer in TLS
---@field ssh_host string? the connection leaves from that host

--- What came of an exchange over TCP.
---@class pharos.TCPResult
---@field reply string what came up to and with expect; "" without one
---@field lines string[] those asked for, without their ends
---@field remote_ip string
---@field timing pharos.Timing
---@field tls pharos.TLSInfo? nil without TLS

--- Connects, sends, reads what was asked for, and hangs up: pharos.tcp(address,
--- options) gives a pharos.TCPResult, its options are pharos.TCPOptions. The address
--- is "host:port", or the path of a unix socket. Errors: timeout, dns, refused, reset,
--- tls, proto, toobig, vantage.
---
---```lua
---local redis, err = pharos.tcp("127.0.0.1:6379", { send = "LLEN jobs\r\n", expect = ":", lines = 1 })
---if not redis then return nil, err end
---return tonumber(redis.lines[1]), redis.timing.total .. " s"
---```
---@class pharos.tcp
---@overload fun(address: string, options?: pharos.TCPOptions): pharos.TCPResult?, pharos.Error?
pharos.tcp = {}

--- Connects, to go on with. The connection is closed when the run ends, and no other
--- run can use it.
---
---```lua
---local smtp = assert(pharos.tcp.connect("127.0.0.1:25"))
---local banner = assert(smtp:line())
---assert(smtp:send("QUIT\r\n"))
---return banner:sub(1, 3) == "220", banner
---```
---@param address string
---@param options? pharos.TCPOptions
---@return pharos.Connection?
---@return pharos.Error?
function pharos.tcp.connect(address, options) end

--- How pharos.tcp.lines connects.
---@class pharos.LinesOptions
---@field send string? sent first
---@field timeout pharos.Duration? of connecting and sending; default 10 s
---@field tls boolean? this and the following as in pharos.TCPOptions
---@field starttls "smtp"|"imap"|"pop3"|"ftp"|"xmpp"|"postgres"?
---@field ip 4|6?
---@field insecure boolean?
---@field ca string?
---@field cert string?
---@field key string?
---@field server_name string?
---@field alpn string[]?
---@field ssh_host string?

--- The lines that come over a connection, as events of a watcher. A line has no escape
--- sequences, and at most 64 KiB. A peer that went away without a word is found
--- within half a minute. A connection that ends is made again; see pharos.Events.
---
---```lua
---metric_watchers = {
---  pharos.MetricWatcher{ name = "redis commands", events = pharos.tcp.lines("127.0.0.1:6379", function(self, line)
---    if line:find("FLUSHALL", 1, true) then return "warning", "flushed", line end
---    return "ok"
---  end, { send = "MONITOR\r\n" }) },
---}
---```
---@param address string "host:port", or the path of a unix socket
---@param judge fun(self: pharos.MetricWatcher, line: string): ...
---@param options? pharos.LinesOptions
---@return pharos.Events
function pharos.tcp.lines(address, judge, options) end

--- A conversation over TCP, as pharos.tcp.connect opens it.
---@class pharos.Connection
local Connection = {}

--- Sends all of it.
---@param text string
---@return true?
---@return pharos.Error?
function Connection:send(text) end

--- Reads up to and with this text, at most 1 MiB.
---@param text string
---@return string?
---@return pharos.Error?
function Connection:expect(text) end

--- Reads a line, without its end, at most 64 KiB.
---@return string?
---@return pharos.Error?
function Connection:line() end

--- Reads so many bytes, or fewer if the other side closes before.
---@param count integer at most 1 MiB
---@return string?
---@return pharos.Error?
function Connection:read(count) end

--- Goes on in TLS.
---@param protocol "smtp"|"imap"|"pop3"|"ftp"|"xmpp"|"postgres"
---@return true?
---@return pharos.Error?
function Connection:starttls(protocol) end

--- Where the time went so far.
---@return pharos.Timing
function Connection:timing() end

--- What the TLS handshake showed; nil without one.
---@return pharos.TLSInfo?
function Connection:tls() end

--- The address of the other side.
---@return string
function Connection:remote_ip() end

--- Ends the conversation; the end of the run does too. Nothing can be read or sent
--- after it: that raises.
function Connection:close() end

--- How pharos.tls connects.
---@class pharos.TLSOptions
---@field versions boolean? try every version of TLS, with a connection each
---@field timeout pharos.Duration? this and the following as in pharos.TCPOptions
---@field starttls "smtp"|"imap"|"pop3"|"ftp"|"xmpp"|"postgres"?
---@field ip 4|6?
---@field ca string?
---@field cert string?
---@field key string?
---@field server_name string?
---@field alpn string[]?
---@field ssh_host string?

--- What a server showed in its TLS handshake.
---@class pharos.Handshake
---@field version string "1.3"
---@field cipher string
---@field alpn string the protocol agreed on, "" if none
---@field verified boolean whether the chain is trusted and good for the name today
---@field verify_error string? why not
---@field days_left number until the server's own certificate expires; negative once it has
---@field chain_days_left number until the first of the chain expires
---@field chain pharos.Certificate[] the server's own first
---@field stapled boolean whether an answer of OCSP came along
---@field versions string[]? that it speaks, if asked for
---@field remote_ip string
---@field timing pharos.Timing

--- One of a chain.
---@class pharos.Certificate
---@field subject string
---@field issuer string
---@field names string[] that it is for
---@field not_before number Unix seconds
---@field not_after number Unix seconds
---@field days_left number until it expires; negative once it has
---@field serial string
---@field sha256 string its fingerprint
---@field key string the kind of its key, "ECDSA P-256"
---@field signature string how it was signed
---@field ca boolean whether it may sign others

--- What a server shows in its TLS handshake. An expired or untrusted certificate is
--- data. Errors: those of pharos.tcp.
---
---```lua
---local shown, err = pharos.tls("127.0.0.1:443", { versions = true })
---if not shown then return nil, err end
---return math.floor(shown.days_left), table.concat(shown.versions, " ")
---```
---@param address string "host:port", or the path of a unix socket
---@param options? pharos.TLSOptions
---@return pharos.Handshake?
---@return pharos.Error?
function pharos.tls(address, options) end

--- Whom pharos.dns asks, and how.
---@class pharos.DNSOptions
---@field type string? A (default), AAAA, CNAME, MX, TXT, NS, SOA, SRV, CAA, PTR, ...; PTR takes an address as its name
---@field server string? host or host:port; default the system's
---@field tcp boolean? default UDP, and TCP if the answer does not fit
---@field dnssec boolean? ask for signatures too
---@field direct boolean? ask for no recursion
---@field timeout pharos.Duration? default and at most what is left of the run; over UDP it asks again each second
---@field ssh_host string? the question leaves from that host

--- What a name server answered.
---@class pharos.DNSAnswer
---@field code string "NOERROR", "NXDOMAIN", "SERVFAIL", ...
---@field values string[] the data of the records
---@field records pharos.DNSRecord[] of the type asked for
---@field aliases string[] the names that CNAMEs led through
---@field authoritative boolean
---@field authenticated boolean the server says that it verified DNSSEC
---@field signed boolean signatures came along
---@field server string that answered
---@field tcp boolean that it came over
---@field timing pharos.Timing

--- One record of an answer.
---@class pharos.DNSRecord
---@field name string
---@field type string
---@field ttl number seconds
---@field data string as zone files have it; of TXT the text itself
---@field target string? the name alone, of MX, SRV, NS, CNAME and PTR; of SOA its primary server
---@field priority integer? of MX and SRV
---@field weight integer? of SRV
---@field port integer? of SRV
---@field serial integer? of SOA
---@field flags integer? of CAA
---@field tag string? of CAA, whose data is then the value alone

--- Asks a name server. That there is no such name is data; no answer is an error:
--- timeout, refused, reset, dns (the server's own name), proto, vantage. The name is
--- taken as complete; /etc/hosts is not looked at.
---
---```lua
---local answer, err = pharos.dns("example.com", { type = "MX", server = "127.0.0.1" })
---if not answer then return nil, err end
---return answer.code == "NOERROR", table.concat(answer.values, ", ")
---```
---@param name string
---@param options? pharos.DNSOptions
---@return pharos.DNSAnswer?
---@return pharos.Error?
function pharos.dns(name, options) end

--- How pharos.ping asks.
---@class pharos.PingOptions
---@field count integer? echo requests; default 1, at most 1000
---@field interval pharos.Duration? between them; default 200 ms, at least 10 ms
---@field wait pharos.Duration? for the last answer; default 1 s
---@field size integer? bytes after the ICMP header; default 56, 16 to 65000
---@field ip 4|6? addresses of this family only; default both
---@field timeout pharos.Duration? default and at most what is left of the run

--- What came back of a ping.
---@class pharos.PingResult
---@field ip string
---@field sent integer
---@field received integer
---@field loss number percent
---@field rtts number[] seconds, in the order the answers came
---@field min number seconds
---@field avg number seconds
---@field max number seconds
---@field stddev number seconds
---@field via "raw"|"datagram"|"command" how it was done
---@field hint string? what to allow for a cheaper way

--- Pings a host. Errors: timeout if nothing came back, refused if the network says that
--- there is no way, dns, spawn.
---
---```lua
---local result, err = pharos.ping("127.0.0.1", { count = 3, interval = "50ms" })
---if not result then return nil, err end
---return result.avg, ("%d %% lost, by way of %s"):format(result.loss, result.via)
---```
---@param host string name or address
---@param options? pharos.PingOptions
---@return pharos.PingResult?
---@return pharos.Error?
function pharos.ping(host, options) end

--- Files of this machine.
pharos.file = {}

--- What pharos.file.stat and newest say of a file.
---@class pharos.FileInfo
---@field path string where it is
---@field size integer bytes
---@field mtime number when it was written, in Unix seconds
---@field age number seconds since then
---@field mode string "0644"
---@field dir boolean whether it is a folder

--- Reads a file. While the script loads the file becomes an input: when it changes,
--- the script is loaded again. Errors: missing, toobig, auth, proto, timeout.
---
---```lua
---local hosts = assert(pharos.file.read("/etc/hosts", { max = 65536 }))
---return select(2, hosts:gsub("\n", "")), "lines"
---```
---@param path string relative to the folder of the script
---@param options? { max: integer? } most bytes; default 1 MiB, at most 8 MiB
---@return string?
---@return pharos.Error?
function pharos.file.read(path, options) end

--- Looks at a file. Errors: as read.
---
---```lua
---local file, err = pharos.file.stat("/etc/hosts")
---if not file then return nil, err end
---return file.age, ("%d bytes, mode %s"):format(file.size, file.mode)
---```
---@param path string relative to the folder of the script
---@return pharos.FileInfo?
---@return pharos.Error?
function pharos.file.stat(path) end

--- Looks at the newest of the files whose names match the last part of a path: * is any
--- text, ? one character, [a-z] one of these, and a \ before any of them takes it as it is.
--- Folders are left out, and hidden files unless the pattern begins with a dot. If none
--- matches, the error is missing. Errors: as read.
---
---```lua
---local backup, err = pharos.file.newest("/var/backups/db-*.gz")
---if not backup then return nil, err end
---return backup.age < 26 * 3600, backup.path
---```
---@param pattern string relative to the folder of the script
---@return pharos.FileInfo?
---@return pharos.Error?
function pharos.file.newest(pattern) end

--- The lines that are added to a file, as tail -F gives them, as events of a watcher. It
--- is looked at four times a second, and followed by its name: when another file takes
--- the name (rotation), or it is truncated, reading goes on at the start of what is
--- there then. A file that is not there is waited for, and never quiet. A line has no escape sequences,
--- and at most 64 KiB.
---
---```lua
---metric_watchers = {
---  pharos.MetricWatcher{ name = "app log", quiet = "10m", events = pharos.file.tail("/var/log/app.log", function(self, line)
---    if line:find("ERROR", 1, true) then return "warning", "error", line end
---  end) },
---}
---```
---@param path string relative to the folder of the script
---@param judge fun(self: pharos.MetricWatcher, line: string): ...
---@param options? { from: "start"|"end"? } where to begin in a file that is there already; default "end"
---@return pharos.Events
function pharos.file.tail(path, judge, options) end

--- JSON, both ways.
pharos.json = {}

--- JSON text, keys sorted. A table with exactly the keys 1 to n is an array. Cycles,
--- functions, NaN and two keys of one text, 1 and "1", raise.
---
---```lua
---return "ok", pharos.json.encode({ list = { 1, 2 }, empty = pharos.json.array(), none = pharos.json.null })
---```
---@param value any
---@return string
function pharos.json.encode(value) end

--- What a JSON text of at most 8 MiB says, no array of which has more than 262143
--- elements, and whose values take at most 256 MiB of memory. null is pharos.json.null,
--- which is true in a condition; an array stays one also when it is empty.
--- Error: proto.
---
---```lua
---local data, err = pharos.json.decode('{"jobs": [1, 2, null]}')
---if not data then return nil, err end
---return #data.jobs, data.jobs[3] == pharos.json.null and "a null"
---```
---@param text string
---@return any
---@return pharos.Error?
function pharos.json.decode(text) end

--- Makes a table without a metatable an array to encode, also when it is empty.
---
---```lua
---return "ok", pharos.json.encode({ jobs = pharos.json.array({}) })
---```
---@param list? table
---@return table
function pharos.json.array(list) end

--- JSON's null.
---@type userdata
pharos.json.null = nil

--- Writes a line to the log of the run, shown with its tile, and to the daemon's.
--- Called itself it is info. At most 50 lines and 4 KiB of a run are kept.
---
---```lua
---pharos.log("looked at", 3, "hosts")
---return true
---```
---@class pharos.log
---@overload fun(...: any)
pharos.log = {}

--- Logs for those who look closely (pharosd -vv).
---
---```lua
---pharos.log.debug("the details")
---```
---@param ... any
function pharos.log.debug(...) end

--- Logs what may be of interest (pharosd -v).
---
---```lua
---pharos.log.info("by the way")
---```
---@param ... any
function pharos.log.info(...) end

--- Logs a warning.
---
---```lua
---pharos.log.warn("look at this")
---```
---@param ... any
function pharos.log.warn(...) end

--- Logs an error.
---
---```lua
---pharos.log.error("this is wrong")
---```
---@param ... any
function pharos.log.error(...) end

--- An environment variable of the daemon, else the default, else nil. Not masked.
---
---```lua
---local region = pharos.env("REGION", "eu-1")
---metric_watchers = { pharos.CommandMetricWatcher{ name = "in " .. region, command = "true" } }
---```
---@param name string
---@param default? any
---@return string?
function pharos.env(name, default) end

--- A credential, masked wherever it would show, in the tiles of other files too: it has
--- at least 8 bytes, and should be no common word. It is the file of that name in
--- $CREDENTIALS_DIRECTORY (systemd's LoadCredential), else the environment variable, or
--- the file given. Ask for it while the file loads; a missing one raises. The names of
--- watchers, sets and hosts to look from, and page_tag, are shown as they are: a file
--- that has a secret of its own in one does not load.
---
---```lua
---local token = pharos.secret("API_TOKEN")
---metric_watchers = {
---  pharos.PageGETMetricWatcher{ name = "api", url = "http://127.0.0.1/", bearer = token },
---}
---```
---@param name string|{ file: string }
---@return string
function pharos.secret(name) end

--- Clocks, and waiting.
pharos.time = {}

--- Unix seconds, with a fraction.
---
---```lua
---return pharos.time.now() > 1.7e9
---```
---@return number
function pharos.time.now() end

--- Seconds on a clock that never jumps.
---
---```lua
---local before = pharos.time.monotonic()
---return pharos.time.monotonic() >= before
---```
---@return number
function pharos.time.monotonic() end

--- Waits; other watchers run meanwhile. Past the run's time: nil and an error.
---
---```lua
---assert(pharos.time.sleep("10ms"))
---return true
---```
---@param duration pharos.Duration
---@return true?
---@return pharos.Error?
function pharos.time.sleep(duration) end

--- Unix seconds of a time as text: RFC 3339, HTTP, certificates, "2025-01-31
--- 12:00:00"; UTC if it names no zone. Error: proto, also for a zone such as EST
--- that this machine is not in.
---
---```lua
---local expires = assert(pharos.time.parse("2030-01-31T12:00:00Z"))
---return math.floor((expires - pharos.time.now()) / 86400), "days"
---```
---@param text string
---@return number?
---@return pharos.Error?
function pharos.time.parse(text) end

--- A time as RFC 3339 in UTC; os.date has other forms. Both know the years 0 to 9999.
---
---```lua
---return "ok", pharos.time.format(0)
---```
---@param seconds number Unix seconds
---@return string
function pharos.time.format(seconds) end

--- The seconds of a duration.
---
---```lua
---return pharos.time.seconds("1m30s") == 90
---```
---@param duration pharos.Duration
---@return number
function pharos.time.seconds(duration) end

--- Keeps the last numbers pushed, at most 10,000: for a mean, a percentile. A table
--- whose keys keep changing never gives its memory back here; this does not grow.
---
---```lua
---local recent = pharos.ring(60)
---metric_watchers = {
---  pharos.MetricWatcher{ name = "p95 of a minute", interval = "1s", unit = "s", check = function(self)
---    recent:push(assert(pharos.http.get("http://127.0.0.1/")).timing.total)
---    return recent:quantile(0.95), ("mean %.4f, worst %.4f of %d"):format(recent:mean(), recent:max(), recent:count())
---  end },
---}
---```
---@param size integer
---@return pharos.Ring
function pharos.ring(size) end

--- The last numbers pushed; pharos.ring makes one.
---@class pharos.Ring
local Ring = {}

--- Adds a number; the oldest goes when the ring is full.
---@param number number
function Ring:push(number) end

--- How many numbers there are.
---@return integer
function Ring:count() end

--- The newest number; nil of an empty ring.
---@return number?
function Ring:last() end

--- The least; nil of an empty ring.
---@return number?
function Ring:min() end

--- The most; nil of an empty ring.
---@return number?
function Ring:max() end

--- The sum; nil of an empty ring.
---@return number?
function Ring:sum() end

--- The mean; nil of an empty ring.
---@return number?
function Ring:mean() end

--- The value that a share (0 to 1) of the numbers is not above; nil of an empty ring.
---@param share number 0 to 1: 0.95 is the 95th percentile
---@return number?
function Ring:quantile(share) end

--- Oldest first.
---@return number[]
function Ring:values() end

--- Keeps values by key, at most max (default 1000, at most 100,000), each for ttl
--- (default for ever); the longest unused make room. For keys that keep changing, as sessions do.
---
---```lua
---local seen = pharos.cache{ max = 500, ttl = "5m" }
---metric_watchers = {
---  pharos.MetricWatcher{ name = "deploys", check = function(self)
---    local version = assert(pharos.http.get("http://127.0.0.1/version")).body
---    if not seen:get(version) then seen:set(version, true) end
---    return seen:count(), version
---  end },
---}
---```
---@param options? { max: integer?, ttl: pharos.Duration? }
---@return pharos.Cache
function pharos.cache(options) end

--- Values kept for a while, at most so many; pharos.cache makes one.
---@class pharos.Cache
local Cache = {}

--- What was put there; nil if nothing was, or it is too old.
---@param key any
---@return any
function Cache:get(key) end

--- nil forgets the key.
---@param key any
---@param value any
function Cache:set(key, value) end

--- How many values there are.
---@return integer
function Cache:count() end

--- The machine that Pharos runs on, as a host to look from: in the list of a
--- watcher's ssh_host, or as the ssh_host of a primitive.
---
--- A watcher with such a list runs from each host at once. self.ssh_host is the one
--- of the run, and what check sets on self, and self.state, are that host's own;
--- tables given as options are shared. The tile shows the merged status, and value,
--- detail and timing of the host that decides: of those that have that status, the
--- slowest. merge says which status: all are sorted from ok over warning and unknown
--- to critical, and "worst" takes the last, "best" the first, pharos.quorum(n) the
--- n-th. A host that cannot be reached is unknown: with "worst" the tile is then
--- unknown too, unless another host sees it critical; with "best" and a quorum it
--- counts against, but less than one that sees it critical.
---
---```lua
---metric_watchers = {
---  pharos.PageGETMetricWatcher{ name = "shop", url = "http://127.0.0.1/", ssh_host = { "fra", "nyc", pharos.here } },
---}
---```
---@type string
pharos.here = nil

--- A merge rule: the status that at least n hosts see, or a better one. The tile is
--- ok as long as n hosts see ok.
---
---```lua
---metric_watchers = {
---  pharos.MetricWatcher{ name = "mail", ssh_host = { "fra", "nyc", pharos.here }, merge = pharos.quorum(2), check = function(self)
---    return pharos.tcp("127.0.0.1:25", { lines = 1, ssh_host = self.ssh_host }) and "ok" or "critical"
---  end },
---}
---```
---@param n integer 1 to the number of hosts
---@return string
function pharos.quorum(n) end

--- "file:line" of the function at that level of the stack, as error counts them.
---
---```lua
---return "ok", pharos.where(1)
---```
---@param level? integer default 1
---@return string
function pharos.where(level) end

--- The end of a message about an unknown name: `(did you mean "b"? valid: a, b)`.
---
---```lua
---return "ok", pharos.suggest("tresholds", { "thresholds", "timeout" })
---```
---@param name string
---@param valid string[]
---@return string
function pharos.suggest(name, valid) end

-- Tiles that know each other --------------------------------------------------

--- A tile computed from others. It runs when one of them changes, within 20 ms and at
--- most ten times a second, and not by an interval; it is never stale. It first runs
--- when each of them has had a result, or after 10 s; watchers that come later are
--- waited for alike, unless another one's status changes meanwhile. While all of them
--- are still to be found, by a set that finds its members, it is unknown.
---
--- It has none of the options interval, ttl, confirm, events, quiet, ssh_host and steps.
---
--- `of` takes ids and patterns: `"databases.*"` is every watcher of the set Databases,
--- `"*.disk"` every disk; a * stands for any text, and never for the tile itself. An id
--- or pattern that matches no watcher is an error when the file loads, and so is a
--- cycle. A derive may be derived from others.
---
--- What check reads decides what it is run again for. Statuses cost nothing while they
--- stay as they are; who reads values runs when one of them changes. A tile whose only
--- trouble is that of watchers in the shadow (see needs) is in that shadow too.
---
---```lua
---metric_watchers = {
---  pharos.derive{ name = "quorum", of = { "databases.*" }, check = function(board)
---    local up = board:count("ok") + board:count("warning")
---    local status = up == board:total() and "ok" or up >= 2 and "warning" or "critical"
---    return status, ("%d of %d"):format(up, board:total())
---  end },
---}
---metric_watcher_sets = {
---  pharos.WatcherSet("Databases", {
---    pharos.TCPMetricWatcher{ name = "a", address = "127.0.0.1:5432" },
---    pharos.TCPMetricWatcher{ name = "b", address = "127.0.0.1:5433" },
---    pharos.TCPMetricWatcher{ name = "c", address = "127.0.0.1:5434" },
---  }),
---}
---```
---@class pharos.derive : pharos.MetricWatcher
---@overload fun(options: pharos.derive): pharos.derive
---@field of? string|string[] ids or patterns of what it is derived from; needed
---@field check? fun(board: pharos.Board, self: pharos.derive): any ... default: the worst status of them, how many are ok, and which are in trouble
pharos.derive = {}

--- What a derive is derived from, as it is at the moment of asking.
---@class pharos.Board
local Board = {}

--- How many there are.
---@return integer
function Board:total() end

--- How many have that status.
---@param status pharos.Status|"pending"
---@return integer
function Board:count(status) end

--- The share that has that status, 0 to 1; 0 if there are none.
---@param status pharos.Status|"pending"
---@return number
function Board:ratio(status) end

--- The worst status of them, unknown if none has had a result; and, unless it is ok,
--- the name of the first that has it. `return board:worst()` is a check. With n, the
--- names of up to n that are in trouble, worst first; at most 20.
---@param n? integer default 1
---@return pharos.Status
---@return string? ... names
function Board:worst(n) end

--- The sum of the values that are numbers, and how many are.
---
---```lua
---metric_watchers = {
---  pharos.derive{ name = "jobs", of = "queues.*", unit = "jobs", thresholds = { warn = 100, crit = 1000 },
---    check = function(board)
---      local sum, n = board:sum()
---      return sum, ("in %d of %d queues"):format(n, board:total())
---    end },
---}
---metric_watcher_sets = { pharos.WatcherSet("Queues", {
---  pharos.CommandMetricWatcher{ name = "mail", command = "echo 7", handle_output = function(self, output) return tonumber(output:match("%d+")) end },
---}) }
---```
---@return number
---@return integer
function Board:sum() end

--- Each of them with its id, in the order of the board.
---
---```lua
---metric_watchers = {
---  pharos.derive{ name = "slowest", of = "pages.*", unit = "s", check = function(board)
---    local top, who = 0, nil
---    for _, tile in board:each() do
---      if type(tile.value) == "number" and tile.value > top then top, who = tile.value, tile.name end
---    end
---    return top, who
---  end },
---}
---metric_watcher_sets = { pharos.WatcherSet("Pages", {
---  pharos.PageGETMetricWatcher{ name = "front", url = "http://127.0.0.1/" },
---}) }
---```
---@return fun(): string, pharos.Tile
function Board:each() end

--- The one with that id; any other id raises.
---@param id string
---@return pharos.Tile
function Board:get(id) end

--- Another watcher's tile.
---@class pharos.Tile
---@field id string
---@field name string
---@field set string "" for the unnamed set
---@field status pharos.Status|"pending" the one shown: confirmed, where its watcher has confirm
---@field since number Unix seconds at which that began
---@field shadow string? the id of the watcher in whose shadow it is, see needs
---@field value string|number|nil a number if it is one; reading it or the following makes a derive run when they change
---@field unit string
---@field detail string
---@field link string?

--- The status of any watcher, with its value and detail, for any check. It is what the
--- tile shows now; a tile that must follow at once is a derive. An unknown id raises,
--- and is an error when the file loads where it is written out, as here.
---
---```lua
---metric_watchers = {
---  pharos.CommandMetricWatcher{ name = "wan", command = "true" },
---  pharos.MetricWatcher{ name = "site", interval = "1s", check = function(self)
---    if pharos.status("wan") == "critical" then return self:unknown("offline") end
---    return assert(pharos.http.get("http://127.0.0.1/")).timing.total
---  end },
---}
---```
---@param id string
---@return pharos.Status|"pending" status
---@return string|number|nil value
---@return string detail
function pharos.status(id) end

-- Tests ---------------------------------------------------------------------

--- What a *_test.lua file has beside pharos: `pharosd test` runs its cases. A case has
--- a world of its own. What its scripts reach out for is answered by stubs, and fails
--- the case without one; the clock begins at 2000-01-01 00:00 UTC and moves by
--- t:advance, pharos.time.sleep and the time that stubs say they took, and what takes
--- longer than its timeout times out as on the board; the environment is what t:load
--- gives. Folders given to `-c` leave *_test.lua out.
test = {}

--- Adds a case. It passes if no assertion failed and nothing was raised; after a
--- failed assertion it goes on. A case takes at most 10 s.
---
---```lua
---test.case("a slow page is yellow, a dead one red", function(t)
---  t:load("pharos.lua")
---  t:stub("http", function(request) return { status = 200, total = 0.2 } end)
---  t:equal(t:run("front_page").status, "warning")
---  t:stub("http", function() return nil, { kind = "timeout", message = "nobody answered" } end)
---  local result = t:run("front_page")
---  t:equal(result.status, "critical", result.detail)
---  t:match(result.error, "nobody")
---end)
---```
---@param name string
---@param run fun(t: pharos.Case)
function test.case(name, run) end

--- The case that runs: the t of its function.
---@class pharos.Case
local Case = {}

--- Loads a configuration, its path relative to the folder of the test. A second one
--- is a reload: what watchers keep in self.state stays. It raises if the configuration
--- is not good.
---
---```lua
---test.case("the queue is read from where the environment says", function(t)
---  t:load("pharos.lua", { env = { API = "http://127.0.0.1:9000/" } })
---end)
---```
---@param path string
---@param options? { env: table<string, string>? } the environment of pharos.env and pharos.secret; nothing else is in it
function Case:load(path, options) end

--- Lets a function answer for a primitive: exec (commands here, nagios too), ssh
--- (commands on other hosts), http, tcp, tls, dns, ping or file. It gets the request as a
--- table and gives a table, every field of which may be left out; or nil and
--- `{ kind =, message =, phase = }`, see pharos.Error. A later stub replaces it.
---
---```lua
---test.case("commands", function(t)
---  t:stub("exec", function(request) return { code = 1, stdout = request.command } end)
---  t:stub("ssh", function(request) return { stdout = "on " .. request.ssh_host } end)
---  t:stub("tcp", function(request)
---    return { greeting = "220 hello\r\n", answer = function(sent) return "250 ok\r\n" end }
---  end)
---  t:equal(pharos.exec("df").stdout, "df") -- a test reaches no farther than scripts do
---  t:equal(pharos.ssh("web-1"):exec("df").stdout, "on web-1")
---  t:equal(pharos.tcp("127.0.0.1:25", { expect = "220 " }).reply, "220 ")
---end)
---```
---@param primitive "exec"|"ssh"|"http"|"tcp"|"tls"|"dns"|"ping"|"file"
---@param answer fun(request: table): pharos.ExecStub|pharos.HTTPStub|pharos.TCPStub|pharos.TLSStub|pharos.DNSStub|pharos.PingStub|pharos.FileStub|nil, { kind: string?, message: string?, phase: string? }?
function Case:stub(primitive, answer) end

--- What the stubs exec and ssh answer to a request { command, argv, stdin, ssh_host }.
---@class pharos.ExecStub
---@field code integer? default 0
---@field stdout string?
---@field stderr string?
---@field signal string? that ended it
---@field elapsed pharos.Duration?
---@field truncated boolean?

--- What the stub http answers to a request { method, url, headers, body, ssh_host }.
---@class pharos.HTTPStub
---@field status integer? default 200
---@field body string?
---@field headers table<string, string|number|boolean|string[]>? a list is several of one name, as of Set-Cookie
---@field total pharos.Duration? how long it took, all of it waiting
---@field timing table<string, pharos.Duration>? or phase by phase: blocked, dns, connect, tls, send, wait, receive
---@field url string? of the last hop
---@field redirect_url string? or headers.Location; the stub is asked again if redirects are followed
---@field remote_ip string?
---@field tls boolean|{ version: string?, days_left: number?, verified: boolean?, verify_error: string? }|nil true is a good one

--- What the stub tcp answers to a request { address, tls, starttls, server_name, ssh_host }.
---@class pharos.TCPStub
---@field greeting string? what the other side says first
---@field answer (fun(sent: string): string?)? what it answers
---@field remote_ip string?
---@field tls boolean|{ version: string?, days_left: number?, verified: boolean?, verify_error: string? }|nil as of pharos.HTTPStub

--- What the stub tls answers to a request as that of pharos.TCPStub.
---@class pharos.TLSStub
---@field version string? default "1.3"
---@field cipher string?
---@field alpn string?
---@field verified boolean? default true
---@field verify_error string?
---@field days_left number?
---@field chain_days_left number? default days_left
---@field names string[]? that the certificate is for
---@field total pharos.Duration?

--- What the stub dns answers to a request { name, type, server, ssh_host }.
---@class pharos.DNSStub
---@field code string? default "NOERROR"
---@field values string[]?
---@field authoritative boolean?
---@field authenticated boolean?
---@field total pharos.Duration?

--- What the stub ping answers to a request { host, count }.
---@class pharos.PingStub
---@field sent integer? default the request's count
---@field received integer? default all; 0 is what a real ping gives as nil and an error of kind timeout
---@field loss number? percent
---@field avg pharos.Duration?
---@field min pharos.Duration?
---@field max pharos.Duration?

--- What the stub file answers to a request { op, path }, whose op is "read", "stat" or
--- "newest".
--- What is read while a file loads is no stub's.
---@class pharos.FileStub
---@field content string?
---@field path string? of the newest; default the path that was asked for
---@field size integer? default that of content
---@field age pharos.Duration? since it was written; default 0
---@field dir boolean?

--- What a run came to, its texts as the tile has them.
---@class pharos.Outcome
---@field status pharos.Status|"pending" of this run: confirm has no say
---@field value string
---@field unit string
---@field detail string
---@field link string
---@field output string what was printed, or the start of the page
---@field log string[]
---@field error string? of nil, err, or what the script broke on
---@field kind string? of that error; "script" if the script broke
---@field again number? in how many seconds the next run was asked for
---@field shadow string? the id of the watcher in whose shadow it is, see needs

--- Runs a watcher once, now, whatever its interval.
---
---```lua
---test.case("it counts", function(t)
---  t:load("pharos.lua")
---  t:stub("exec", function() return { stdout = "3 jobs" } end)
---  local result = t:run("disk")
---  t:equal({ result.status, result.value }, { "ok", "0" })
---end)
---```
---@param id string "set.name", as `pharosd once` shows it
---@return pharos.Outcome
function Case:run(id) end

--- Lets each set that finds its members look for them once, in the world of the stubs.
--- Those found can be run from then on. It returns what went wrong, nil if all went
--- well; the members of before stay then, as on the board. Without such a set it raises.
---
---```lua
---test.case("a host that is new gets a tile", function(t)
---  t:load("fleet.lua")
---  t:stub("http", function() return { status = 200, body = '["web-1"]' } end)
---  t:equal(t:discover(), nil)
---  t:equal(t:run("fleet.web-1").status, "ok")
---  t:stub("http", function() return nil, { kind = "refused", message = "no registry" } end)
---  t:match(t:discover(), "no registry; the last member stays")
---end)
---```
---@return string? problem
function Case:discover() end

--- What a watcher with events makes of one; nil if that is no verdict. The event is a line; of pharos.http.sse a table { event, data, id }.
--- No stream is opened in a case.
---
---```lua
---test.case("an error turns it yellow", function(t)
---  t:load("pharos.lua")
---  t:equal(t:feed("app_log", "all is well"), nil)
---  t:equal(t:feed("app_log", "ERROR: disk full").status, "warning")
---end)
---```
---@param id string
---@param event string|{ event: string?, data: string?, id: string? }
---@return pharos.Outcome?
function Case:feed(id, event) end

--- What a watcher with events is when nothing came for as long as its option quiet
--- wants; nil if that is no verdict.
---
---```lua
---test.case("without errors it is green, and again after one", function(t)
---  t:load("pharos.lua")
---  t:equal(t:quiet("app_log").status, "ok")
---  t:feed("app_log", "ERROR: disk full")
---  t:equal(t:quiet("app_log").value, "quiet")
---end)
---```
---@param id string
---@return pharos.Outcome?
function Case:quiet(id) end

--- Says what a watcher came to, for those that look at it: derives, pharos.status, and
--- whoever needs it. What t:run ran is known already; the others are pending.
---
---```lua
---test.case("two of three are enough", function(t)
---  t:load("pharos.lua")
---  t:status("front_page", "critical", "refused", "nobody answers")
---  t:status("disk", "ok", 17)
---end)
---```
---@param id string
---@param status pharos.Status
---@param value? string|number
---@param detail? string
function Case:status(id, status, value, detail) end

--- Moves the clock that pharos.time, os.time, os.date, os.clock, pharos.cache and
--- self.duration see.
---
---```lua
---test.case("time flies", function(t)
---  local before = pharos.time.monotonic()
---  t:advance("5m")
---  t:equal(pharos.time.monotonic() - before, 300)
---end)
---```
---@param duration pharos.Duration
function Case:advance(duration) end

--- Compares; tables field by field. It tells where they differ.
---
---```lua
---test.case("tables", function(t) t:equal({ 1, { a = 2 } }, { 1, { a = 2 } }) end)
---```
---@param got any
---@param want any
---@param why? string
---@return boolean
function Case:equal(got, want, why) end

--- Looks for a Lua pattern in a text.
---
---```lua
---test.case("patterns", function(t) t:match("12 days left", "^%d+ days") end)
---```
---@param text string|number
---@param pattern string
---@param why? string
---@return boolean
function Case:match(text, pattern, why) end

--- Wants what is neither nil nor false.
---
---```lua
---test.case("truth", function(t) t:ok(1 < 2, "numbers are as they were") end)
---```
---@param condition any
---@param why? string
---@return boolean
function Case:ok(condition, why) end

-- Lua here ------------------------------------------------------------------
--
-- This is Lua 5.1 with goto. What differs, and what to use:
--
-- globals        only page_tag, metric_watchers and metric_watcher_sets can be set,
--                and an unknown one cannot be read: write local
-- require        "a.b" is a/b.lua or a/b/init.lua beside the script or in its lib/,
--                while the file loads
-- io, os.exit,   absent: pharos.file, pharos.exec. os has time, clock, date,
-- os.execute     difftime
-- load, dofile,  absent, as loadstring, loadfile, getfenv, setfenv and newproxy: code
--                comes only from files, by require
-- print          goes to the log of the run
-- ...            also there: table.pack and table.unpack, math.round, utf8.len and
--                utf8.char, string.rep with a separator, %g and %f in patterns
-- //, &, |, ~    absent: math.floor(a / b); bit operations are in the table bit
-- "\x41", "\u{}" absent: "\65" is the character with that number
-- numbers        are floats; whole to 2^53; minus zero is written 0
-- numerals       "010" and "0x10" are numbers to tonumber and in arithmetic, but not
--                "inf", "nan" or "0x1p4"; for i = 1, "2" needs a number
-- keys           a table never gives the memory of removed keys back: use
--                pharos.ring or pharos.cache for keys that keep changing
-- coroutines     yield only from the coroutine's own functions, not across pcall,
--                sort or gsub
-- time           256 instructions at a time, 50 ms without a pause, which each
--                primitive is: a script that computes longer is stopped, and its
--                watcher rests; in a long loop call pharos.time.sleep("1ms") now and
--                then. A file may take 5 s to load
-- size           a text has at most 16 MB; calls are nested at most 400 deep, in a
--                coroutine 200

return pharos
