"""The portal's pages about workspaces, members, API keys, the audit log and oneself."""
