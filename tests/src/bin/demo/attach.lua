-- The configuration of docs/editors.md, as short as it can be. `server` is set above.
vim.o.number = true
vim.o.signcolumn = "yes"
vim.diagnostic.config({ virtual_lines = true })

vim.lsp.config("gitops", {
  cmd = { server },
  filetypes = { "yaml" },
  root_markers = { ".git" },
  -- Neovim 0.11 does not answer when a server asks it to fetch lenses anew; the first handler does.
  capabilities = { workspace = { codeLens = { refreshSupport = true } } },
  handlers = {
    ["workspace/codeLens/refresh"] = function()
      vim.lsp.codelens.refresh()
      return vim.NIL
    end,
    ["gitops/status"] = function(_, status)
      local parts = { status.level, status.mode, status.sandbox or "", status.message or "" }
      vim.g.gitops_status = vim.iter(parts):filter(function(part) return part ~= "" end):join(" · ")
      vim.cmd.redrawstatus({ bang = true })
    end,
  },
})
vim.lsp.enable("gitops")
vim.o.statusline = "%f %m%=%{get(g:, 'gitops_status', '')}  :GitopsStart  :GitopsStop  %l:%c "

local function session(verb)
  local client = vim.lsp.get_clients({ name = "gitops" })[1]
  if client == nil then
    return vim.notify("gitops-lsp is not running", vim.log.levels.WARN)
  end
  client:exec_cmd({ title = verb .. " session", command = "gitops.session." .. verb })
end
vim.api.nvim_create_user_command("GitopsStart", function() session("start") end, {})
vim.api.nvim_create_user_command("GitopsStop", function() session("stop") end, {})

local asked = false
vim.api.nvim_create_autocmd("LspAttach", {
  callback = function(event)
    vim.lsp.codelens.refresh({ bufnr = event.buf })
    -- `cargo xtask demo --editor nvim` asks for a session; nothing else here ever does.
    if vim.env.GITOPS_DEMO_START == "1" and not asked then
      asked = true
      session("start")
    end
  end,
})
