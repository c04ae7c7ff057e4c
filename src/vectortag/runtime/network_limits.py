"""How much a network may hold, by what it is for: the feature maps of a model, or an encoder of photos or texts."""

from __future__ import annotations

from dataclasses import dataclass

OPERATORS = frozenset(
    """
    Abs Add And Attention AveragePool BatchNormalization Cast CastLike Ceil Clip Concat Constant ConstantOfShape Conv
    ConvInteger Cos DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand
    Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual
    GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization IsInf IsNaN LayerNormalization LeakyRelu
    Less LessOrEqual Log MatMul MatMulInteger Max MaxPool Min Mish Mod Mul Neg Not Or PRelu Pad Pow QLinearConv
    QLinearMatMul QuantizeLinear RMSNormalization Range Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceSum
    Relu Reshape Resize Round Selu Shape Sigmoid Sign Sin Size Slice Softmax Softplus SpaceToDepth Split Sqrt Squeeze
    Sub Sum Swish Tanh Tile Transpose Trilu Unsqueeze Where Xor
    """.split()  # noqa: SIM905
)
"""What networks for pictures and texts are made of. None of them loops, branches or reads a file."""

OF_TEXTS = frozenset({"ArgMax", "CumSum", "LpNormalization", "ReduceProd"})
"""What encoders need besides: CLIP finds the end of a text by ArgMax, XLM-R counts its pieces by CumSum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLimits:
    """Attributes:

    most_bytes: of the file, and of the files beside it together.
    most_values: of one constant.
    operators: those that may be used.
    ranks: the dimensions that the output may have.
    external: whether constants may be in other files of the same folder.
    minus_infinity: whether constants may be -inf, as what hides words from each other in attention.
    """

    most_bytes: int
    most_values: int
    operators: frozenset[str]
    ranks: tuple[int, ...]
    external: bool = False
    minus_infinity: bool = False


MODEL = NetworkLimits(most_bytes=700 << 20, most_values=1 << 26, operators=OPERATORS, ranks=(4,))
"""ViT-L has 600 MB in half precision. The largest constant of `lite2` has 2.5 million values at 320 pixels."""

ENCODER = NetworkLimits(
    most_bytes=4 << 30,
    most_values=1 << 29,
    operators=OPERATORS | OF_TEXTS,
    ranks=(2,),
    external=True,
    minus_infinity=True,
)
"""The text side of SigLIP 2 SO400M has 2.8 GB in float32, 295 million of its values are vectors of 256,000 pieces."""
