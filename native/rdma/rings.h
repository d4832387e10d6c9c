// Makes the queues of a port over its verbs objects, in the way that its mode says.
#pragma once

#include "queue.h"
#include "queues.h"

/** Direct: over the rings that mlx5dv_init_obj(3) tells of; else by the verbs, whose ibv_poll_cq(3) tells no checksums of a WQ. */
std::unique_ptr<SendQueue> makeSendQueue(const Device& device, const SendObjects& objects, bool inlineHeaders, bool direct, Failure& error);
std::unique_ptr<ReceiveQueue> makeReceiveQueue(const Device& device, const ReceiveObjects& objects, const ReceiveShape& shape,
                                               bool useChecksum, bool direct, Failure& error);
