-- What a person does in an afternoon, in seconds: every step waits for what the editor shows, and says it.

local function say(text)
  io.stdout:write(text, "\n")
end

local function wait(what, condition)
  if not vim.wait(120000, condition, 20) then
    say("waited in vain until " .. what)
    vim.cmd.cquit()
  end
end

local function lenses()
  local titles = {}
  for _, lens in ipairs(vim.lsp.codelens.get(0)) do
    local title = lens.command and lens.command.title or "?"
    title = title:gsub(" · just now", " · AGE"):gsub(" · %d+ %a+ ago", " · AGE")
    table.insert(titles, title)
  end
  return table.concat(titles, " | ")
end

local function shows(part)
  return function()
    return lenses():find(part, 1, true) ~= nil
  end
end

local function tell(step)
  say(("%s: %s"):format(step, lenses()))
  for _, diagnostic in ipairs(vim.diagnostic.get(0)) do
    local line = vim.api.nvim_buf_get_lines(0, diagnostic.lnum, diagnostic.lnum + 1, true)[1]
    say(("  web.yaml:%d:%d %s"):format(diagnostic.lnum + 1, diagnostic.col + 1, line))
    local before = vim.fn.strdisplaywidth(line:sub(1, diagnostic.col))
    local marked = vim.fn.strdisplaywidth(line:sub(diagnostic.col + 1, diagnostic.end_col))
    say(("  web.yaml:%d:%d %s%s %s [%s]"):format(
      diagnostic.lnum + 1, diagnostic.col + 1, (" "):rep(before), ("^"):rep(marked), diagnostic.message, diagnostic.code))
  end
end

local function write(text)
  vim.api.nvim_buf_set_lines(0, 0, -1, true, vim.split(text, "\n"))
  vim.cmd("silent write")
end

vim.cmd("filetype plugin on")
vim.cmd.edit("web.yaml")
vim.bo.filetype = "yaml"
local sound = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), "\n")

wait("the server is attached", function()
  return #vim.lsp.get_clients({ name = "gitops", bufnr = 0 }) == 1
end)
wait("there is a lens", shows("Start session"))
tell("opened")

vim.cmd("GitopsStart")
wait("what is on disk is applied", shows("✓ applied"))
say("status: " .. vim.g.gitops_status:gsub("gitops%-lsp%-workspace%-%x+", "CONTEXT"))
tell("started")

write((sound:gsub("image:", "imag:"):gsub("name: web,", "name: 🦊,")))
wait("the mistakes are shown", function()
  return #vim.diagnostic.get(0) == 2 and shows("rejected")()
end)
tell("broken and saved")

-- The quick fix under the cursor.
for _, diagnostic in ipairs(vim.diagnostic.get(0)) do
  if diagnostic.code == "apply/unknown-field" then
    vim.api.nvim_win_set_cursor(0, { diagnostic.lnum + 1, diagnostic.col })
  end
end
vim.lsp.buf.code_action({ apply = true })
wait("the quick fix is made", function()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), "\n"):find("image:", 1, true) ~= nil
end)
wait("its finding is gone", function()
  return #vim.diagnostic.get(0) == 1
end)
tell("mended by a quick fix, not saved yet")

write(sound)
wait("nothing is wrong any more", function()
  return #vim.diagnostic.get(0) == 0 and shows("✓ applied")()
end)
tell("mended and saved")

vim.cmd("GitopsStop")
wait("the session is over", shows("not in session"))
say("status: " .. vim.g.gitops_status)
vim.cmd("qall!")
