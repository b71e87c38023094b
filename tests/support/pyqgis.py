"""What QGIS makes of a project: run by the Python that has QGIS, told by JSON on standard input.

Not imported by any test: QGIS comes with the system's Python. A list of steps comes in, each a name
and arguments; a list of what they gave goes out, behind a line of its own.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsColorRampShader,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
    QgsRaster,
    QgsRasterLayer,
)
from qgis.gui import (
    QgsLayerTreeMapCanvasBridge,
    QgsLayerTreeView,
    QgsMapCanvas,
    QgsTemporalControllerWidget,
)
from qgis.PyQt.QtCore import QCoreApplication, QEventLoop, QSize, Qt, QTimer
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QDockWidget, QMainWindow

BEGIN = "--- results"
PATIENCE = 60_000
"""Milliseconds for a map to be drawn."""

Json = Any


class Desktop:
    """The parts of QGIS's window that a project speaks to, without the window."""

    def __init__(self) -> None:
        self.project = QgsProject.instance()
        self.canvas = QgsMapCanvas()
        self.canvas.setObjectName("theMapCanvas")
        self.canvas.setRenderFlag(False)
        self.canvas.resize(640, 480)
        self.slider = QgsTemporalControllerWidget()
        self.canvas.setTemporalController(self.slider.temporalController())
        self.project.readProject.connect(self.canvas.readProject)

    def version(self) -> str:
        """QGIS's own."""
        return str(Qgis.QGIS_VERSION).partition("-")[0]

    def open(self, path: str) -> bool:
        """Open a project, as by "Open…"."""
        return bool(self.project.read(path))

    def save(self, path: str) -> bool:
        """Save the project under another name."""
        return bool(self.project.write(path))

    def console(self, lines: str) -> None:
        """Run lines of Python as the console in QGIS's window does."""
        names: dict[str, Any] = {"iface": self}
        exec("from qgis.core import *", names)  # noqa: S102 (the page's lines; so does the console)
        exec(lines, names)  # noqa: S102

    def addRasterLayer(self, source: str, name: str, provider: str) -> Json:  # noqa: N802
        """Of `iface`: add a raster, as by "Add Raster Layer…"."""
        layer = QgsRasterLayer(source, name, provider)
        self.project.addMapLayer(layer)
        return layer

    def about(self) -> Json:
        """What the project says of itself."""
        view = self.project.viewSettings().defaultViewExtent()
        span = self.project.timeSettings().temporalRange()
        return {
            "title": self.project.title(),
            "crs": self.project.crs().authid(),
            "extent": _sides(view),
            "canvas": _sides(self.canvas.extent()),
            "span": _instants(span),
        }

    def tree(self) -> Json:
        """Names of groups and layers, each with whether it is ticked."""
        return _branch(self.project.layerTreeRoot())

    def layers(self) -> Json:
        """What each layer is, by name."""
        return {layer.name(): _facts(layer) for layer in self.project.mapLayers().values()}

    def slides(self) -> Json:
        """What the time slider shows, frame by frame; whether it is on."""
        own = self.slider.temporalController()
        frames = [own.dateTimeRangeForFrameNumber(at) for at in range(own.totalFrameCount())]
        on = int(own.navigationMode())
        return {
            "mode": on,
            "frame": own.currentFrameNumber(),
            "frames": list(map(_instants, frames)),
        }

    def draw(self, path: str, width: int, frame: int | None = None) -> Json:
        """Draw what is ticked into a picture, as the map does, at a frame of the slider."""
        settings = QgsMapSettings()
        settings.setLayers(self.project.layerTreeRoot().checkedLayers())
        settings.setDestinationCrs(self.project.crs())
        extent = self.canvas.extent()
        settings.setExtent(extent)
        settings.setOutputSize(QSize(width, round(width * extent.height() / extent.width())))
        settings.setBackgroundColor(QColor(255, 255, 255))
        if frame is not None:
            own = self.slider.temporalController()
            settings.setIsTemporal(True)
            settings.setTemporalRange(own.dateTimeRangeForFrameNumber(frame))
        job = QgsMapRendererSequentialJob(settings)
        job.start()
        job.waitForFinished()
        job.renderedImage().save(path)
        return [error.message for error in job.errors()]

    def tick(self, name: str, ticked: bool) -> None:
        """Tick a group, or not."""
        self.project.layerTreeRoot().findGroup(name).setItemVisibilityChecked(ticked)

    def values(self, name: str, x: float, y: float) -> Json:
        """What "Identify Features" tells of a point: values by band."""
        (layer,) = self.project.mapLayersByName(name)
        found = layer.dataProvider().identify(QgsPointXY(x, y), QgsRaster.IdentifyFormatValue)
        return found.results()

    def picture(
        self, path: str, frame: int, size: list[int], sides: list[float] | None = None
    ) -> None:
        """The window as a user sees it, once: layers, map and time slider.

        Args:
            path: The picture that is written.
            frame: Of the slider.
            size: Of the window, in pixels.
            sides: What the map shows, if not all: left, bottom, right, top.
        """
        window = QMainWindow()
        window.resize(*size)
        tree = QgsLayerTreeView()
        root = self.project.layerTreeRoot()
        model = _model(root)
        tree.setModel(model)
        _dock(window, "Layers", tree, Qt.LeftDockWidgetArea)
        tree.setMinimumWidth(round(0.34 * size[0]))
        self.slider.setMaximumHeight(self.slider.minimumSizeHint().height())
        _dock(window, "Temporal Controller", self.slider, Qt.TopDockWidgetArea)
        window.setCentralWidget(self.canvas)
        bridge = QgsLayerTreeMapCanvasBridge(root, self.canvas)
        bridge.setCanvasLayers()
        window.show()
        self.slider.temporalController().setCurrentFrameNumber(frame)
        self.canvas.setRenderFlag(True)
        QCoreApplication.processEvents()
        extent = self.project.viewSettings().defaultViewExtent()
        if sides is not None:
            extent.set(*sides)
        self.canvas.setReferencedExtent(extent)
        _wait_for(self.canvas.mapCanvasRefreshed, self.canvas.refresh)
        window.grab().save(path)
        self.canvas.setRenderFlag(False)


def _model(root: Json) -> Json:
    from qgis.core import QgsLayerTreeModel

    model = QgsLayerTreeModel(root)
    model.setFlag(QgsLayerTreeModel.AllowNodeChangeVisibility)
    model.setFlag(QgsLayerTreeModel.ShowLegend)
    return model


def _dock(window: Json, title: str, widget: Json, side: Json) -> None:
    dock = QDockWidget(title, window)
    dock.setWidget(widget)
    window.addDockWidget(side, dock)


def _wait_for(signal: Json, act: Callable[[], None]) -> None:
    loop = QEventLoop()
    signal.connect(loop.quit)
    QTimer.singleShot(PATIENCE, loop.quit)
    act()
    loop.exec_()
    QCoreApplication.processEvents()


def _sides(extent: Json) -> list[float]:
    return [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()]


def _instants(span: Json) -> list[str]:
    return [moment.toUTC().toString(Qt.ISODate) for moment in (span.begin(), span.end())]


def _branch(group: Json) -> Json:
    return [
        [
            node.name(),
            node.itemVisibilityChecked(),
            _branch(node) if hasattr(node, "findGroups") else None,
        ]
        for node in group.children()
    ]


def _facts(layer: Json) -> Json:
    times, renderer = layer.temporalProperties(), layer.renderer()
    shader = getattr(renderer, "shader", lambda: None)()
    ramp = shader and shader.rasterShaderFunction()
    return {
        "valid": layer.isValid(),
        "crs": layer.crs().authid(),
        "size": [layer.width(), layer.height()],
        "bands": [layer.bandName(at) for at in range(1, layer.bandCount() + 1)],
        "span": _instants(times.fixedTemporalRange()) if times.isActive() else None,
        "renderer": renderer.type(),
        "stops": [item.value for item in ramp.colorRampItemList()] if ramp else None,
        "ramp": isinstance(ramp, QgsColorRampShader) and ramp.sourceColorRamp() is not None,
    }


def main() -> None:
    """Do what standard input says."""
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], True)
    application.initQgis()
    desktop = Desktop()
    results = [getattr(desktop, name)(*arguments) for name, *arguments in json.load(sys.stdin)]
    print(BEGIN)
    print(json.dumps(results), flush=True)
    os._exit(0)  # QGIS tears itself down in an order of its own, at times with a crash


if __name__ == "__main__":
    main()
