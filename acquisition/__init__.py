"""The live monitor that sits in an acquisition loop, and its adapters to acquisition software."""
