"""Our own C++ for the local engine, built once at install; without it plain torch does the work."""
