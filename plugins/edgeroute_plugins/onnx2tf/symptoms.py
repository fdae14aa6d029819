"""Known failures of onnx2tf as they look in its log; from its issue tracker and own runs."""

from __future__ import annotations

from edgeroute.types import Symptom

SYMPTOMS = (
    Symptom(
        r"ConnectionError|Max retries exceeded|NameResolutionError|urlopen error",
        "onnx2tf-network",
        "onnx2tf reached for the network",
        "take the 2.x edge, which never does: --via onnx2tf; or report the model, since edgeroute gives the 1.x edge the file it looks for",
    ),
    Symptom(
        r"[Oo]p(?:erator|_type)?[ :'\"]+(\w+)[ '\"]* (?:is )?(?:not (?:yet )?(?:implemented|supported)|is unsupported)",
        "onnx2tf-operator",
        "onnx2tf has no counterpart for operator {0}",
        "spell it out when exporting, cut the model before it, or try: --set onnx2tf.pseudo_operators={0}",
    ),
    Symptom(
        r"No module named 'onnx2tf\.ops\.(\w+)'",
        "onnx2tf-operator",
        "onnx2tf has no counterpart for operator {0}",
        "spell it out when exporting, or cut the model before it",
    ),
    Symptom(
        r"Dimensions must be equal|axes don't match array|Incompatible shapes",
        "onnx2tf-layout",
        "onnx2tf lost track of an axis while it moved channels last",
        "name the inputs that are no images: --set onnx2tf.keep_inputs=NAME; or take the other onnx2tf edge: --avoid onnx2tf",
    ),
    Symptom(
        r"(?:Select TensorFlow op\(s\)|Flex ops?): ?(Flex\w+)",
        "flex-operator",
        "operator {0} exists only in full TensorFlow, and no device runs it",
        "spell it out: --set onnx2tf-savedmodel.unfold_batchmatmul=true for FlexBatchMatMul, …unroll_rnn=true for recurrent layers, …disable_group_convolution=true for FlexConv2D",
    ),
    Symptom(
        r"std::bad_alloc|MemoryError|Cannot allocate memory|ResourceExhausted",
        "out-of-memory",
        "onnx2tf ran out of memory",
        "free some memory, or give the model a smaller input: --input-shape NAME:1,3,H,W",
    ),
    Symptom(
        r"flatbuffer_direct (?:fast path )?failed",
        "onnx2tf-direct",
        "onnx2tf's direct writer gave up",
        "take the edge through TensorFlow: --via onnxslim,onnx2tf-savedmodel,tf-quantizer",
    ),
)
