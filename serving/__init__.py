"""The models behind HTTP: BentoML service, request and result schemas, web page."""
