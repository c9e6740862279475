"""The interactive page: one HTML file that shows events, tables, the workflow and where everything came from."""
