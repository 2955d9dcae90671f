"""Curves and calibration of an error analysis as points to draw."""

from tasks.data.scores import ErrorAnalysis

PLOT_WIDTH, PLOT_HEIGHT = 260, 220
CURVE_WIDTH, CURVE_HEIGHT = 100, 60
MIN_RADIUS, MAX_RADIUS = 3.0, 11.0


def calibration_dots(error_analysis: ErrorAnalysis) -> list[tuple[float, float, float]]:
    """Place and radius of each bin, in units of the plot; the area of a dot grows with its count."""
    most = max((n for _, _, n in error_analysis.calibration), default=1)
    return [
        (
            round(PLOT_WIDTH * predicted, 1),
            round(PLOT_HEIGHT * (1 - observed), 1),
            round(max(MIN_RADIUS, MAX_RADIUS * (n / most) ** 0.5), 1),
        )
        for predicted, observed, n in error_analysis.calibration
    ]


def curve_points(error_analysis: ErrorAnalysis) -> list[tuple[str, str]]:
    """Polyline of every label that has one; recall runs to the right, precision upwards."""
    return [
        (name, " ".join(f"{_x(i, points):g},{CURVE_HEIGHT * (1 - y):.1f}" for i, y in enumerate(points)))
        for name, points in error_analysis.curves.items()
        if points
    ]


def _x(i: int, points: tuple[float, ...]) -> float:
    return round(CURVE_WIDTH * i / (len(points) - 1), 1)
