"""Interactive pieces that Streamlit does not have, one module each; `component` has what they share.

The maps, the grid and the wall can be saved as PNG and SVG. The browser writes both files from the data it already has.
"""

from pages.kit.components.attention_map import MAP_LABELS, attention_map
from pages.kit.components.code_editor import code_editor
from pages.kit.components.component import assign, shared_choice
from pages.kit.components.file_button import file_button
from pages.kit.components.head_grid import GRID_LABELS, head_grid
from pages.kit.components.layer_board import layer_board
from pages.kit.components.line_picker import line_picker
from pages.kit.components.map_wall import WallFrame, map_wall
from pages.kit.components.plotly_figure import plotly_figure
from pages.kit.components.surgery_board import surgery_board
from pages.kit.components.token_picker import PICKER_LABELS, token_picker
from pages.kit.components.token_strip import token_strip

__all__ = [
    "GRID_LABELS",
    "MAP_LABELS",
    "PICKER_LABELS",
    "WallFrame",
    "assign",
    "attention_map",
    "code_editor",
    "file_button",
    "head_grid",
    "layer_board",
    "line_picker",
    "map_wall",
    "plotly_figure",
    "shared_choice",
    "surgery_board",
    "token_picker",
    "token_strip",
]
