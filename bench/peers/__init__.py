"""Programs of others, driven so that they can be measured beside ours."""
