"""Training of the segmentation network: data, Lightning module, MLflow, export to ONNX, evaluation.

Import what is needed from the modules themselves: `evaluate` needs no torch, and importing this room loads none.
"""
