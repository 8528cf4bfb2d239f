-- What:  what the kernel complains of, as it does: out of memory, broken disks, crashed programs
-- Needs: systemd's journal, and leave to read it (group adm or systemd-journal)
-- Args:  HOST=web-1 (default: this machine)
-- Shows: "quiet", or the kind of trouble in red or yellow, until ten minutes after the last of it

local troubles = {
  { "Out of memory", "critical", "oom" },
  { "I/O error", "critical", "disk" },
  { "segfault", "warning", "crash" },
}
local host = pharos.env("HOST", "")

metric_watchers = {
  pharos.MetricWatcher{
    name = "kernel", quiet = "10m",
    events = pharos.exec.stream("journalctl -kf -n 0", function(self, line)
      for _, trouble in ipairs(troubles) do
        if line:find(trouble[1], 1, true) then return trouble[2], trouble[3], line end
      end -- any other line is no verdict
    end, { ssh_host = host ~= "" and host or nil }),
  },
}
