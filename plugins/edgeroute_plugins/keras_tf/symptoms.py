"""Known failures of Keras' and TensorFlow's converters, as they show in a step's log."""

from __future__ import annotations

from edgeroute.types import Symptom

SYMPTOMS = (
    Symptom(
        r"Segmentation fault[\s\S]*calibrator\.py.* in _feed_tensors",
        "tf-lite-loop",
        "TensorFlow's calibrator crashes on this model (it does on loops, which recurrent layers over long or open series leave)",
        "unroll them (--set keras-savedmodel.unroll=512), or take another quantizer: --avoid tf-lite",
    ),
    Symptom(
        r"Flex ops: ([\w, ]+)",
        "tflite-operator-missing",
        "TFLite has no operator for {0}",
        "replace these in the model by standard layers and export it again",
    ),
    Symptom(
        r"Unknown layer:? '?(\w+)'?|Could not locate class '(\w+)'",
        "keras-custom-layer",
        "the model uses a layer that is not Keras' own ({0}{1})",
        "export it where it was trained (model.export('folder')) and convert the SavedModel folder",
    ),
    Symptom(
        r"Quantization not yet supported for op: '?([\w. ]+)'?",
        "tf-lite-unquantizable",
        "TensorFlow's quantizer cannot take operator {0}",
        "leave it out of the model, or take another quantizer: --via ai-edge-quantizer",
    ),
    Symptom(
        r"Max and min for dynamic tensors should be recorded during calibration: Failed for tensor ([^\n]+)",
        "tf-lite-uncalibrated",
        "no sample reached tensor {0}, so its range is unknown",
        "calibrate with more and truer pictures: --calibrate FOLDER",
    ),
    Symptom(
        r"(?:OOM when allocating|std::bad_alloc|MemoryError|Cannot allocate memory)",
        "out-of-memory",
        "the model did not fit into memory while it was converted",
        "free some memory, or calibrate with fewer samples",
    ),
)
