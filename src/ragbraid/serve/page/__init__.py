"""The page at `/`: static files, which speak to `/api` as any other client does."""
