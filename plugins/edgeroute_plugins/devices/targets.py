"""The devices: what each loads, its larod names, and what is known of its hardware."""

from __future__ import annotations

from edgeroute.types import Json, Target

RULES = "edgeroute_plugins.devices:rules"
TEST = "larod-client -g {file} -c {device} -i ''"
"""Loads the file and runs it once on random input (Axis' model conversion pages)."""
BENCHMARK = "larod-client -R 1000 -w 5 -p -c {device} -g {file} -i ''"
"""As Axis times its model zoo: the last number on the line `Mean execution time for job:` is in milliseconds."""
PROFILES: dict[str, dict[str, str]] = {
    "axis-os-10.6": {"tflite": "2.3.1", "source": "https://github.com/AxisCommunications/acap3-examples/issues/130"},
    "axis-model-zoo": {"tflite": "2.3.0", "source": "min_runtime_version of https://github.com/AxisCommunications/axis-model-zoo"},
}
"""What is published of the TFLite in firmware; a camera's own version stands in its firmware's SBOM."""


def _details(judge: str, arch: str, **more: Json) -> dict[str, Json]:
    """`tolerates`: formats that the device loads although no route should aim at them (SSD with its float post-processing);
    `format_rules`: rules that refuse a kind of file in better words than core's.
    """
    tolerates = () if judge in ("artpec7", "cavalry") else ("tflite-mixed",)
    own = ("A7-001", "TFL-001")
    return {
        "judge": judge,
        "tolerates": tolerates,
        "format_rules": own,
        "arch": arch,
        "test": TEST,
        "benchmark": BENCHMARK,
        "profiles": PROFILES,
        **more,
    }


TARGETS = (
    Target(
        "artpec7",
        "ARTPEC-7, Edge TPU",
        ("tflite-edgetpu",),
        rules=RULES,
        camera=True,
        devices=("google-edge-tpu-tflite",),
        details=_details(
            "artpec7",
            "armv7hf",
            soc="Axis Artpec-7",
            memory="8 MB on the chip, of which about 7 MiB hold parameters",
            ram_mb=1024,
            cache_bytes=7 * 2**20,
            quantization="int8, per channel or per tensor",
            compiler="edgetpu-compiler",
            profiles=PROFILES | {"edgetpu-13": {"edgetpu": "13", "source": "the safe request of edgetpu_compiler -m"}},
            manifest={},
        ),
    ),
    Target(
        "artpec7-gpu",
        "ARTPEC-7, GPU",
        ("tflite-int8", "tflite-int8-pt"),
        rules=RULES,
        camera=True,
        devices=("axis-a7-gpu-tflite",),
        details=_details("gpu", "armv7hf", soc="Axis Artpec-7", memory="device RAM", ram_mb=1024, quantization="int8", manifest={}),
    ),
    Target(
        "artpec8",
        "ARTPEC-8, DLPU",
        ("tflite-int8-pt", "tflite-int8"),
        rules=RULES,
        camera=True,
        devices=("axis-a8-dlpu-tflite", "remote-axis-a8-dlpu-tflite"),
        details=_details(
            "artpec8",
            "aarch64",
            soc="Axis Artpec-8",
            memory="device RAM, 1 to 2 GB",
            ram_mb=1024,
            quantization="int8, one scale per tensor",
            compile_cache={"path": "/var/lib/larod/nbg-cache", "mib": 64, "files": 16},
            manifest={"deepLearningProcessor": {"enabled": True, "required": True}},
        ),
    ),
    Target(
        "artpec9",
        "ARTPEC-9, DLPU",
        ("tflite-int8", "tflite-int8-pt"),
        rules=RULES,
        camera=True,
        devices=("a9-dlpu-tflite", "armnn-cpu-tflite", "armnn-gpu-tflite"),
        details=_details(
            "artpec9",
            "aarch64",
            soc="Axis Artpec-9",
            memory="device RAM, 4 GB on the Q1728",
            ram_mb=4096,
            quantization="int8; per channel on convolutions only",
            compile_cache={"path": "/var/lib/larod/dlpu-model-cache"},
            manifest={"deepLearningProcessor": {"enabled": True, "required": True}},
        ),
    ),
    Target(
        "cv25",
        "Ambarella CV25",
        ("cavalry-cv25",),
        rules=RULES,
        camera=True,
        devices=("ambarella-cvflow",),
        details=_details(
            "cavalry",
            "aarch64",
            soc="Ambarella CV25",
            row_pitch=32,
            memory="device RAM",
            ram_mb=1024,
            quantization="by Ambarella's compiler, from a float model",
            compiler="ambarella",
            profiles={},
            manifest={"deepLearningProcessor": {"enabled": True, "required": True}},
        ),
    ),
    Target(
        "cv75",
        "Ambarella CV75",
        ("cavalry-cv75",),
        rules=RULES,
        camera=True,
        devices=("cv75-dlpu-native",),
        details=_details(
            "cavalry",
            "aarch64",
            soc="Ambarella CV75",
            row_pitch=32,
            memory="device RAM",
            ram_mb=1024,
            quantization="by Ambarella's compiler, from a float model",
            compiler="ambarella",
            profiles={},
            manifest={"deepLearningProcessor": {"enabled": True, "required": True}},
        ),
    ),
    Target(
        "cpu",
        "The camera's CPU, with TFLite",
        ("tflite", "tflite-int8", "tflite-int8-pt"),
        rules=RULES,
        devices=("cpu-tflite",),
        details=_details("cpu", "any", memory="device RAM", ram_mb=1024, quantization="any", manifest={}),
    ),
)
