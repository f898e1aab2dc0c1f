/*
 * Activations, elementwise over n values; gelu has a file of its own.
 *
 *   relu        max(0, x)                     dx = dout where out > 0
 *   leaky relu  x, or slope·x where x < 0     dx = dout, or slope·dout where x < 0
 *   tanh        tanh x                        dx = dout (1 - out²)
 *   sigmoid     σ(x) = 1 / (1 + e^-x)         dx = dout out (1 - out)
 *   silu        x σ(x)                        dx = dout σ(x) (1 + x (1 - σ(x)))
 *
 * A NaN is never hidden: each comparison is such that a NaN takes the branch that passes it on
 * (relu(NaN) is NaN, and where out is NaN relu passes dout), so that a diverging net is seen at its
 * loss.
 * Source: cs231n notes, neural-networks-1; Hendrycks and Gimpel 2016 (silu).
 */
#include "layers/elementwise.h"
#include "layers/layers.h"

#include "kernels/vec_math.h"

static vf relu(vf x, vf y, vf a)
{
    (void)y, (void)a;
    return vf_max(vf_set1(0), x); /* the second operand where either is NaN */
}

static vf relu_gradient(vf dout, vf out, vf a)
{
    (void)a;
    return vf_select(out <= 0.0f, vf_set1(0), dout);
}

static vf leaky_relu(vf x, vf y, vf slope)
{
    (void)y;
    return vf_select(x < 0.0f, slope * x, x);
}

static vf leaky_relu_gradient(vf dout, vf x, vf slope)
{
    return vf_select(x < 0.0f, slope * dout, dout);
}

static vf tangent(vf x, vf y, vf a)
{
    (void)y, (void)a;
    return vf_tanh(x);
}

static vf tangent_gradient(vf dout, vf out, vf a)
{
    (void)a;
    return dout * (1.0f - out * out);
}

static vf sigmoid(vf x, vf y, vf a)
{
    (void)y, (void)a;
    return vf_sigmoid(x);
}

static vf sigmoid_gradient(vf dout, vf out, vf a)
{
    (void)a;
    return dout * (out * (1.0f - out));
}

static vf silu(vf x, vf y, vf a)
{
    (void)y, (void)a;
    return x * vf_sigmoid(x);
}

static vf silu_gradient(vf dout, vf x, vf a)
{
    const vf s = vf_sigmoid(x);

    (void)a;
    return dout * (s + x * s * (1.0f - s));
}

ELEMENTWISE_TASK(relu_task, relu)
ELEMENTWISE_TASK(relu_gradient_task, relu_gradient)
ELEMENTWISE_TASK(leaky_relu_task, leaky_relu)
ELEMENTWISE_TASK(leaky_relu_gradient_task, leaky_relu_gradient)
ELEMENTWISE_TASK(tangent_task, tangent)
ELEMENTWISE_TASK(tangent_gradient_task, tangent_gradient)
ELEMENTWISE_TASK(sigmoid_task, sigmoid)
ELEMENTWISE_TASK(sigmoid_gradient_task, sigmoid_gradient)
ELEMENTWISE_TASK(silu_task, silu)
ELEMENTWISE_TASK(silu_gradient_task, silu_gradient)

void kiln_relu_forward(float *out, const float *x, int n)
{
    kiln_elementwise(relu_task, out, x, x, n, 0);
}

void kiln_relu_backward(float *dx, const float *dout, const float *out, int n)
{
    kiln_elementwise(relu_gradient_task, dx, dout, out, n, 0);
}

void kiln_leaky_relu_forward(float *out, const float *x, int n, float slope)
{
    kiln_elementwise(leaky_relu_task, out, x, x, n, slope);
}

void kiln_leaky_relu_backward(float *dx, const float *dout, const float *x, int n, float slope)
{
    kiln_elementwise(leaky_relu_gradient_task, dx, dout, x, n, slope);
}

void kiln_tanh_forward(float *out, const float *x, int n)
{
    kiln_elementwise(tangent_task, out, x, x, n, 0);
}

void kiln_tanh_backward(float *dx, const float *dout, const float *out, int n)
{
    kiln_elementwise(tangent_gradient_task, dx, dout, out, n, 0);
}

void kiln_sigmoid_forward(float *out, const float *x, int n)
{
    kiln_elementwise(sigmoid_task, out, x, x, n, 0);
}

void kiln_sigmoid_backward(float *dx, const float *dout, const float *out, int n)
{
    kiln_elementwise(sigmoid_gradient_task, dx, dout, out, n, 0);
}

void kiln_silu_forward(float *out, const float *x, int n)
{
    kiln_elementwise(silu_task, out, x, x, n, 0);
}

void kiln_silu_backward(float *dx, const float *dout, const float *x, int n)
{
    kiln_elementwise(silu_gradient_task, dx, dout, x, n, 0);
}
