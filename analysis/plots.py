"""The figures of a report: pure functions from results to matplotlib figures, with no global state."""

from .plots_curves import area_plot, drift_plot, position_plot
from .plots_log import charge_plot, log_plot
from .plots_maps import arrival_map, curvature_map, front_overlay, speed_map, spread_map
from .plots_style import svg_data_uri

__all__ = ["area_plot", "arrival_map", "charge_plot", "curvature_map", "drift_plot", "front_overlay", "log_plot"]
__all__ += ["position_plot", "speed_map", "spread_map", "svg_data_uri"]
