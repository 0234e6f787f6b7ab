"""Documented fields and edges that the simulated objects have no value for: they are left out of an answer.

The real API refuses a field only where it is none at all. The lists are those of Meta's own SDK (facebook-business) and
of what other people's clients ask for.
"""

_PAGE = """
ad_campaign affiliation app_id artists_we_like attire awards band_interests band_members best_page bio birthday
booking_agent built business can_checkin can_post checkins company_overview connected_page_backed_instagram_account
contact_address country_page_likes cover culinary_team current_location delivery_and_pickup_option_info description
description_html differently_open_offerings directed_by display_subtext displayed_message_response_time
does_viewer_have_page_permission_link_ig emails engagement featured_video features food_styles founded general_info
general_manager genre global_brand_page_name global_brand_root_id has_added_app has_lead_access
has_transitioned_to_new_page_experience has_whatsapp_business_number has_whatsapp_number hometown hours impressum
influences is_always_open is_calling_eligible is_chain is_community_page is_eligible_for_branded_content
is_messenger_bot_get_started_enabled is_messenger_platform_bot is_owned is_permanently_closed is_published
is_unclaimed is_verified is_webhooks_subscribed keywords leadgen_tos_acceptance_time leadgen_tos_accepted
leadgen_tos_accepting_user location members merchant_id merchant_review_status messaging_feature_status
messenger_ads_default_icebreakers messenger_ads_default_quick_replies messenger_ads_quick_replies_type mission mpg
name_with_location_descriptor network new_like_count offer_eligible overall_star_rating owner_business page_token
parent_page parking payment_options personal_info personal_interests pharma_safety_info phone pickup_options picture
place_type plot_outline preferred_audience press_contact price_range privacy_info_url produced_by products
promotion_eligible promotion_ineligible_reason public_transit rating_count recipient record_label release_date
restaurant_services restaurant_specialties schedule screenplay_by season single_line_address starring start_info
store_code store_location_descriptor store_number studio supports_donate_button_in_live_video
supports_instant_articles temporary_status unread_message_count unread_notif_count unseen_message_count
user_access_expire_time verification_status voip_info website were_here_count whatsapp_number written_by
"""
_EDGES_OF_PAGE = """
albums call_to_actions canvas_elements conversations events global_brand_children image_copyrights indexed_videos
likes live_videos locations photos ratings rtb_dynamic_posts scheduled_posts stories tabs tagged video_lists
visitor_posts
"""
_POST = """
actions admin_creator allowed_advertising_objectives allowed_advertising_objects application backdated_time
call_to_action can_reply_privately caption child_attachments comments_mirroring_domain comments_summary coordinates
description event expanded_height expanded_width feed_targeting from full_picture height icon instagram_eligibility
is_app_share is_eligible_for_dark_post is_eligible_for_promotion is_expired is_fb_live_videos is_hidden
is_inline_created is_instagram_eligible is_live_clip is_popular is_published is_spherical link message_tags
multi_share_end_card multi_share_optimized name object_id parent_id picture place privacy promotable_id
promotion_status properties scheduled_publish_time sharedposts source sponsor_tags story story_tags subscribed target
targeting timeline_visibility to type via video_buying_eligibility was_fb_live_videos width with_tags
"""
_VIDEO = """
ad_breaks admin_creator backdated_time backdated_time_granularity captions content_category content_tags copyright
crossposted_video custom_labels embed_html embeddable event format from icon implicit_place is_ai_generated
is_crosspost_video is_crossposting_eligible is_episode is_instagram_eligible is_reference_only length live_status
music_video_copyright name picture place post_views premiere_living_room_status privacy published scheduled
scheduled_publish_time source sponsor_tags status tags thumbnails title universal_video_id
"""
_PHOTO = """
album alt_text alt_text_custom backdated_time backdated_time_granularity can_backdate can_delete can_tag event from
height icon images name_tags picture place position source sponsor_tags target webp_images width
"""
_ATTACHMENT = """
description description_tags media media_type subattachments target title type unshimmed_url url
"""

OF_PAGES = frozenset(_PAGE.split())
EDGES_OF_PAGES = frozenset(_EDGES_OF_PAGE.split())
OF_POSTS = frozenset(_POST.split())
OF_VIDEOS = frozenset(_VIDEO.split())
OF_PHOTOS = frozenset(_PHOTO.split())
OF_ATTACHMENTS = frozenset(_ATTACHMENT.split())
